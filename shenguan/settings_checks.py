"""What makes a setting unusable, each as a sentence that names the setting and says what would be right.

Guarantees: nothing here is a secret's value. Knows nothing of where the settings come from.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from shenguan.settings import Settings

PREFIX = "SHENGUAN_"
WELL_KNOWN = {
    *(
        "",
        "admin",
        "change-me",
        "changeme",
        "default",
        "example",
        "minio",
        "minioadmin",
        "password",
        "postgres",
    ),
    *("root", "s3cr3t", "secret", "shenguan", "test", "thisismyscretkey", "your-secret-key", "123456"),
}


def problems(settings: Settings, needs: Iterable[str] | None = None) -> list[str]:
    """What is wrong with the settings named, or with any of them."""
    wanted = {*CHECKS, *OPTIONAL} if needs is None else set(needs)
    checks = {**CHECKS, **OPTIONAL}
    return [problem for name, check in checks.items() if name in wanted for problem in check(settings)]


def wrong_value(name: str, kind: str, context: Mapping[str, object]) -> str:
    """A sentence for a value that is not of the right kind (`kind` is pydantic's name for the mistake)."""
    wanted = {
        "literal_error": f"应为 {context.get('expected', '')} 之一".replace(" or ", "、"),
        "string_pattern_mismatch": f"格式应符合 {context.get('pattern', '')}",
        "int_parsing": "应为整数",
        "bool_parsing": "应为 true 或 false",
        "greater_than_equal": f"不能小于 {context.get('ge', '')}",
        "less_than_equal": f"不能大于 {context.get('le', '')}",
    }.get(kind, f"不合要求（{kind}）")
    return f"{name} 的值有误：{wanted}。"


def _present(name: str, what: str) -> Callable[[Settings], list[str]]:
    def check(settings: Settings) -> list[str]:
        return [] if getattr(settings, name) else [f"没有设置 {PREFIX}{name.upper()}（{what}）。"]

    return check


def _key(name: str, what: str) -> Callable[[Settings], list[str]]:
    def check(settings: Settings) -> list[str]:
        key, text = PREFIX + name.upper(), str(getattr(settings, name))
        if not text:
            return [f"没有设置 {key}（{what}：32 个随机字节的 base64，可用 openssl rand -base64 32 生成）。"]
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return [f"{key} 不是 base64 文本，应为 openssl rand -base64 32 的输出。"]
        if len(raw) != 32:
            return [f"{key} 是 {len(raw)} 个字节，应为 32 个。"]
        if len(set(raw)) < 8:
            return [f"{key} 不是随机生成的，请用 openssl rand -base64 32 生成。"]
        return []

    return check


def _older_keys(settings: Settings) -> list[str]:
    for one in settings.key_encryption_older.split(","):
        try:
            sound = not one.strip() or len(base64.b64decode(one.strip(), validate=True)) == 32
        except (binascii.Error, ValueError):
            sound = False
        if not sound:
            return [
                "SHENGUAN_KEY_ENCRYPTION_OLDER 应为更换前的加密密钥（32 字节的 base64），几个以逗号分隔。"
            ]
    return []


def _secret(name: str, what: str, least: int) -> Callable[[Settings], list[str]]:
    def check(settings: Settings) -> list[str]:
        key, text = PREFIX + name.upper(), str(getattr(settings, name))
        if not text:
            return [f"没有设置 {key}（{what}）。"]
        if text.lower() in WELL_KNOWN:
            return [f"{key} 是众所周知的默认值，请换成随机生成的。"]
        if len(text) < least or len(set(text)) < min(8, least):
            return [f"{key} 太短或太简单，至少要 {least} 个字符，请随机生成。"]
        return []

    return check


def _database(settings: Settings) -> list[str]:
    url = settings.database_url
    if not url:
        return [
            "没有设置 SHENGUAN_DATABASE_URL（数据库地址，postgresql+psycopg://用户:口令@主机:端口/库名）。"
        ]
    parsed = urlsplit(url)
    if parsed.scheme not in ("postgresql", "postgresql+psycopg"):
        return ["SHENGUAN_DATABASE_URL 不是 PostgreSQL 地址，应以 postgresql+psycopg:// 开头。"]
    if {"passfile", "sslcert", "service"} & set(parse_qs(parsed.query)):
        return []
    if not parsed.password:
        return ["SHENGUAN_DATABASE_URL 没有口令；若用 passfile 或客户端证书，请写在地址的参数里。"]
    if parsed.password.lower() in WELL_KNOWN or len(parsed.password) < 8:
        return ["SHENGUAN_DATABASE_URL 的口令是默认值或太短，至少要 8 个字符，请随机生成。"]
    return []


def _sasl(settings: Settings) -> list[str]:
    if not settings.kafka_bootstrap:
        return ["没有设置 SHENGUAN_KAFKA_BOOTSTRAP（消息代理地址，主机:端口，多个以逗号分隔）。"]
    if not settings.kafka_security_protocol.startswith("SASL"):
        return []
    missing = [n for n in ("mechanism", "username", "password") if not getattr(settings, f"kafka_sasl_{n}")]
    problems = [f"使用 SASL 时必须设置 SHENGUAN_KAFKA_SASL_{name.upper()}。" for name in missing]
    if (settings.kafka_sasl_password or "-").lower() in WELL_KNOWN:
        problems.append("SHENGUAN_KAFKA_SASL_PASSWORD 是众所周知的默认值，请换成随机生成的。")
    return problems


def _clamd(settings: Settings) -> list[str]:
    address = settings.clamd
    host, _, port = address.rpartition(":")
    if not address or address.startswith("/") or (host and port.isdigit() and 0 < int(port) < 65536):
        return []
    return ["SHENGUAN_CLAMD 应为 clamd 的套接字路径（以 / 开头）或 主机:端口。"]


def _trusted_signers(settings: Settings) -> list[str]:
    folder = settings.trusted_signers
    if folder is None or folder.is_dir():
        return []
    return [f"SHENGUAN_TRUSTED_SIGNERS 指向的 {folder} 不是文件夹；其中应为受信任的签名证书（.pem）。"]


def _licence_signing(settings: Settings) -> list[str]:
    folder = settings.licence_signing
    if folder is None or folder.is_dir():
        return []
    return [
        f"SHENGUAN_LICENCE_SIGNING 指向的 {folder} 不是文件夹；其中应为证照签名证书（ca.pem、default.pem 等）。"
    ]


def _timestamp_url(settings: Settings) -> list[str]:
    parsed = urlsplit(settings.timestamp_url)
    if not settings.timestamp_url or (parsed.scheme in ("http", "https") and parsed.hostname):
        return []
    return ["SHENGUAN_TIMESTAMP_URL 应为时间戳服务（RFC 3161）的网址，以 http:// 或 https:// 开头。"]


CHECKS: dict[str, Callable[[Settings], list[str]]] = {
    "database_url": _database,
    "kafka_bootstrap": _sasl,
    "s3_endpoint": _present("s3_endpoint", "对象存储地址，http(s)://主机:端口"),
    "s3_access_key": _secret("s3_access_key", "对象存储的访问密钥", 3),
    "s3_secret_key": _secret("s3_secret_key", "对象存储的私有密钥", 16),
    "public_url": _present("public_url", "部门访问本中心的网址"),
    "web_secret": _secret("web_secret", "网页会话的签名密钥，随机的 32 个以上字符", 32),
    "key_encryption_key": _key("key_encryption_key", "文件密钥的加密密钥"),
    "identity_key": _key("identity_key", "证件号码的保护密钥"),
    "hub_signing_key": _present("hub_signing_key", "中心签名私钥的 PEM 文件路径"),
}

#: What may be left out, but not be wrong.
OPTIONAL: dict[str, Callable[[Settings], list[str]]] = {
    "clamd": _clamd,
    "key_encryption_older": _older_keys,
    "trusted_signers": _trusted_signers,
    "licence_signing": _licence_signing,
    "timestamp_url": _timestamp_url,
}
