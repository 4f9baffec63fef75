#!/bin/sh
# Tài khoản và quyền của Kafka; chạy lại bao nhiêu lần cũng được. Mật khẩu không đứng trên dòng lệnh.
set -eu
umask 077
bin=${KAFKA_BIN:-/opt/kafka/bin}
secrets=${SECRETS:-/run/secrets}
here=${KAFKA_LOCAL:-127.0.0.1:9092}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

account() { # tên, tệp mật khẩu
    printf 'SCRAM-SHA-512=password=%s\n' "$(cat "$2")" > "$work/scram"
    "$bin/kafka-configs.sh" --bootstrap-server "$here" --alter --add-config-file "$work/scram" \
        --entity-type users --entity-name "$1"
}

allow() {
    "$bin/kafka-acls.sh" --bootstrap-server "$here" --add "$@"
}

# Nút: mọi chủ đề lienthong.*, mọi nhóm.
account lienthong "$secrets/kafka_password"
allow --allow-principal User:lienthong --operation All --topic lienthong. --resource-pattern-type prefixed
allow --allow-principal User:lienthong --operation Read --operation Describe --group '*'
allow --allow-principal User:lienthong --operation IdempotentWrite --operation Create --operation Describe --cluster

# Hệ thống khác của tỉnh: chỉ đọc sự kiện công khai, nhóm bắt đầu bằng tên mình.
account theo-doi "$secrets/kafka_reader_password"
allow --allow-principal User:theo-doi --operation Read --operation Describe --topic lienthong.events
allow --allow-principal User:theo-doi --operation Read --group theo-doi --resource-pattern-type prefixed
