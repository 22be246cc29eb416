"""How to reach the broker, and what must be true before a program starts.

Guarantees: unknown security options are refused with a sentence, not ignored. TLS and SASL are passed through to the
client as they are; they have not been tried against a live Apache broker.
"""

from __future__ import annotations

import importlib.util
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.bus.judged import Judge, way_through
from connectors.errors import Misconfigured

SECURITY_OPTIONS = frozenset(
    {
        "security_protocol",
        "sasl_mechanism",
        "sasl_plain_username",
        "sasl_plain_password",
        "sasl_kerberos_service_name",
        "sasl_kerberos_domain_name",
        "ssl_cafile",
        "ssl_certfile",
        "ssl_keyfile",
        "ssl_password",
        "ssl_crlfile",
        "ssl_ciphers",
        "ssl_check_hostname",
    }
)
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


@dataclass(frozen=True, slots=True)
class BusSettings:
    """Address, security and timing. The defaults suit Apache Kafka; the embedded broker wants a fetch wait of 50."""

    bootstrap: str
    fetch_max_wait_ms: int = 500
    partitions: int = 3
    replication_factor: int = -1  # the broker's own default
    connect_timeout_ms: int = 3_000
    request_timeout_ms: int = 10_000
    batch_size: int = 512 * 1024
    linger_ms: int = 5
    security: Mapping[str, Any] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | None = field(
        default=None, repr=False, compare=False
    )  # instead of the ssl_* options
    judge: Judge | None = field(
        default=None, repr=False, compare=False
    )  # which addresses may be connected to

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.security) - SECURITY_OPTIONS):
            raise Misconfigured(
                f"不认识的消息代理安全设置 {'、'.join(unknown)}；可用：{'、'.join(sorted(SECURITY_OPTIONS))}。"
            )
        if self.security.get("security_protocol", "PLAINTEXT") not in PROTOCOLS:
            raise Misconfigured(f"security_protocol 应为 {'、'.join(PROTOCOLS)} 之一。")

    @property
    def addresses(self) -> list[str]:
        """The bootstrap addresses, one by one."""
        return [part.strip() for part in self.bootstrap.split(",") if part.strip()]

    def client(self) -> dict[str, Any]:
        """What producer, consumer and administration share."""
        return {
            "bootstrap_servers": self.addresses,
            "bootstrap_timeout_ms": self.connect_timeout_ms,
            "request_timeout_ms": self.request_timeout_ms,
            "reconnect_backoff_max_ms": 1_000,
            **self.security,
            **({"ssl_context": self.tls} if self.tls else {}),
            **({"proxy_url": way_through(self.judge)} if self.judge else {}),
        }


def require_fast_checksums() -> None:
    """Refuse to run without the package crc32c: the client would be 4 to 13 times slower without a word."""
    if importlib.util.find_spec("crc32c") is None:
        raise Misconfigured(
            "缺少 crc32c 软件包，消息收发会慢 4 到 13 倍，因此不启动。请安装：pip install crc32c。"
        )
