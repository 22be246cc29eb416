#!/bin/sh
# 在 deploy/secrets/ 生成 docker-compose.yml 要的密钥文件；已有的不动。请把整个目录安全备份：
# 丢了 key_encryption_key 就打不开文件，丢了 identity_key 就查不到人，丢了 hub_signing_key 就要重新分发公钥。
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets secrets/licence-signing # 后者放证照签名证书：见 docs/operations.md“证照签名证书”
cd secrets

keep() { # 文件名 命令…：文件不存在时用命令的输出建立
    name=$1
    shift
    if [ -s "$name" ]; then return; fi
    "$@" > ".$name.new"
    mv ".$name.new" "$name"
    echo "已生成 deploy/secrets/$name"
}

word() { openssl rand -hex "$1"; }

keep postgres_password word 24
keep s3_access_key word 10
keep s3_secret_key word 24
keep web_secret word 32
keep key_encryption_key openssl rand -base64 32
keep identity_key openssl rand -base64 32
keep hub_signing_key openssl genpkey -algorithm ed25519
keep department_private_key openssl genpkey -algorithm ed25519
keep database_url sh -c 'printf "postgresql+psycopg://shenguan:%s@postgres:5432/shenguan\n" "$(cat postgres_password)"'
# 容器里的程序以 uid 10001 运行；密钥以绑定方式挂入，要让它读得到。
if [ "$(id -u)" = 0 ]; then
    chown -R 10001 licence-signing
    chown 10001 database_url s3_access_key s3_secret_key web_secret key_encryption_key identity_key \
        hub_signing_key department_private_key
else
    echo "请用 root 执行：chown 10001 deploy/secrets/*（postgres_password 除外），否则容器读不到密钥。"
fi
