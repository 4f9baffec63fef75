#!/bin/sh
# Tạo thư mục secrets/ cho compose.yaml: mật khẩu ngẫu nhiên, CA và chứng thư riêng của bộ này. Chỉ cần sh và openssl.
# Chạy lại thì giữ nguyên những gì đã có. Chứng thư ở đây để thử và để chạy trong mạng riêng; cửa ngoài của tỉnh thật
# dùng chứng thư do tổ chức có thẩm quyền cấp: thay secrets/edge.pem.
set -eu
cd "$(dirname "$0")"
# Thư mục chỉ chủ vào được; tệp bên trong ai cũng đọc được, vì mỗi container chạy bằng một tài khoản khác nhau.
mkdir -p -m 0700 secrets
umask 022
cd secrets

random() { [ -s "$1" ] || openssl rand -hex 24 > "$1"; }
random db-owner-password
random db-app-password
random kafka-password
random kafka-reader-password
[ -s axis-secret ] || echo TEST-SECRET > axis-secret # khóa của trục giả lập; thay bằng khóa do trục cấp
echo "postgresql://lienthong:$(cat db-owner-password)@postgres:5432/lienthong" > db-owner-dsn
echo "postgresql://lienthong_app:$(cat db-app-password)@postgres:5432/lienthong" > db-app-dsn

if [ ! -s ca.pem ]; then
    openssl req -x509 -newkey rsa:3072 -nodes -sha256 -days 3650 -subj "/CN=lienthong compose TEST CA" \
        -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout ca.key -out ca.pem 2>/dev/null
    chmod 600 ca.key
fi

certificate() { # tệp, tên máy, các tên khác
    [ -s "$1" ] && return
    openssl req -newkey rsa:2048 -nodes -sha256 -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' \
        "$3" > "$1.ext"
    openssl x509 -req -sha256 -days 825 -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -extfile "$1.ext" \
        -out "$1.crt" 2>/dev/null
    cat "$1.key" "$1.crt" ca.pem > "$1" # khóa PKCS#8 rồi chuỗi: dạng PEM mà Kafka và nginx cùng đọc
    rm -f "$1.key" "$1.csr" "$1.ext" "$1.crt"
}
certificate kafka-server.pem kafka DNS:kafka,DNS:localhost,IP:127.0.0.1
certificate edge.pem localhost DNS:localhost,IP:127.0.0.1
rm -f ca.srl
echo "Đã có đủ trong $(pwd)."
