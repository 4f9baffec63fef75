-- Statements of the owner before there are tables.

-- name: role_can_log_in$
-- Whether the application's role exists and may log in.
select exists (select from pg_roles where rolname = :role and rolcanlogin);

-- name: role_password_offer$
-- Hands the password to the next statement: a role statement takes no parameters.
select set_config('lienthong.new_password', :password, false) is not null;

-- name: role_password_forget$
select set_config('lienthong.new_password', '', false) is not null;

-- name: role_let_in!
-- The application's role may log in with the offered password; nothing else is granted here.
do $body$
begin
    begin
        create role lienthong_app nosuperuser nocreatedb nocreaterole;
    exception
        when duplicate_object or unique_violation then null;
    end;
    execute format('alter role lienthong_app login password %L', current_setting('lienthong.new_password'));
end
$body$;

-- name: database_exists$
select exists (select from pg_database where datname = :database);

-- name: database_create_default!
create database lienthong;
