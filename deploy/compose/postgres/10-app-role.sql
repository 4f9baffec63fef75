-- Chạy một lần khi cơ sở dữ liệu còn trống. Vai trò ứng dụng không sở hữu bảng nào; `lienthong migrate` cấp quyền.
\set password `cat /run/secrets/db_app_password`
create role lienthong_app login nosuperuser nocreatedb nocreaterole password :'password';
