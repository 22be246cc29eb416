"""TLS towards a department's system: whom we trust, how we show ourselves, and what a failed handshake means.

Guarantees: the certificate is always verified, by the authority that was set or by those of this machine; there is no
switch to leave that out. Keys given as text are on disk only for the moment of reading, readable by us alone.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from connectors.errors import Misconfigured

_VERIFY_EXPIRED, _VERIFY_EARLY = 10, 9
_VERIFY_SELF_SIGNED, _VERIFY_OWN_ROOT = 18, 19
_VERIFY_NO_ISSUER = (2, 7, 20, 21)
_VERIFY_NAME = (62, 64)

_PASTE_AUTHORITY = "请向对方索取签发该证书的 CA 证书（PEM），粘贴到“对方的 CA 证书”中。"
#: What OpenSSL says -> what it means, what to do.
_SPOKEN: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"),
        "对方在这个端口上说的不是 TLS",
        "请核对端口；如果对方没有启用加密，地址应以 http:// 开头或关闭加密。",
    ),
    (
        ("CERTIFICATE_REQUIRED", "PEER_DID_NOT_RETURN", "ALERT_UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN"),
        "对方要求客户端证书，或不接受我们的证书",
        "请填写对方签发的客户端证书和私钥，并请对方确认信任其签发机构。",
    ),
    (
        ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "VERSION_TOO_LOW"),
        "双方没有共同的 TLS 版本（我们要求 1.2 以上）",
        "请对方启用 TLS 1.2 或 1.3。",
    ),
    (
        ("HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", "INSUFFICIENT_SECURITY", "DH_KEY_TOO_SMALL"),
        "双方没有共同的加密方式",
        "请对方启用通用的加密套件；只提供国密 TLS 的端口须在前面加一台网关。",
    ),
    (
        ("UNRECOGNIZED_NAME",),
        "对方不认识这个主机名",
        "请核对主机名，或在“证书上的主机名”中填写对方使用的名字。",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """Our certificate for the other side (PEM, with its chain), its key, and the key's password if it has one."""

    certificate: str
    key: str
    password: str = ""


def tls_context(authority: str = "", identity: Identity | None = None, *, use: str = "") -> ssl.SSLContext:
    """A context that trusts `authority` (PEM) alone, or this machine's authorities. Raises Misconfigured.

    With a `use` it is shared by all of that use, and must not be changed; clients write their protocol's name into it.
    """
    if identity is None and use:
        return _shared(authority.strip(), use)
    context = _trusting(authority.strip())
    if identity is not None:
        _show(context, identity)
    return context


@lru_cache(maxsize=64)
def _shared(authority: str, _use: str) -> ssl.SSLContext:
    """One for all who show nothing of their own: this machine's authorities are a megabyte each time they are read."""
    return _trusting(authority)


def _trusting(authority: str) -> ssl.SSLContext:
    if not authority:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=authority)
        except (ssl.SSLError, ValueError) as error:
            raise Misconfigured("“对方的 CA 证书”不是有效的 PEM 证书，请重新粘贴。") from error
        context.verify_flags |= (
            ssl.VERIFY_X509_PARTIAL_CHAIN
        )  # a server's own certificate may stand for itself
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _show(context: ssl.SSLContext, identity: Identity) -> None:
    with tempfile.NamedTemporaryFile(
        "w", suffix=".pem"
    ) as held:  # the standard library reads keys from files alone
        held.write(identity.key.strip() + "\n" + identity.certificate.strip() + "\n")
        held.flush()
        try:
            context.load_cert_chain(held.name, password=identity.password or _no_password)
        except (ssl.SSLError, OSError, ValueError) as error:
            said = getattr(error, "reason", "") or str(error)
            raise Misconfigured(
                "客户端证书与私钥不成对，或不是有效的 PEM（有口令的私钥须填写口令）。"
                + (f"（{said}）" if said else "")
            ) from error


def _no_password() -> str:
    """Asked for only when the key has one: an empty answer fails instead of asking at the terminal."""
    return ""


def tls_words(error: BaseException) -> tuple[str, str]:
    """What a failed handshake means and what to do about it, in Chinese."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrust(error)
    said = f"{getattr(error, 'reason', '') or ''} {error}".upper().replace(" ", "_")
    for signs, words, advice in _SPOKEN:
        if any(one in said for one in signs):
            return words, advice
    if isinstance(error, TimeoutError) or "TIMED_OUT" in said:
        return "TLS 握手超时，对方没有应答", "请确认该端口提供的是 TLS 服务，且中间没有设备拦截。"
    return "TLS 握手没有完成，对方中断了连接", "请核对端口，并请对方查看其 TLS 日志。"


def _distrust(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    code = error.verify_code
    if code == _VERIFY_EXPIRED:
        return "对方的证书已过期", "请对方更换证书；在此之前不会发送数据。"
    if code == _VERIFY_EARLY:
        return "对方的证书尚未生效", "请核对双方的系统时间，或请对方更换证书。"
    if code in _VERIFY_NAME:
        return (
            "对方的证书不是签给这个主机名的",
            "请改用证书上的主机名；只能用 IP 连接时，在“证书上的主机名”中填写证书里的名字。",
        )
    if code in (_VERIFY_SELF_SIGNED, _VERIFY_OWN_ROOT):
        return "对方的证书是自签的，本机不信任", _PASTE_AUTHORITY
    if code in _VERIFY_NO_ISSUER:
        return "对方证书的签发机构不受本机信任，或对方没有发来中间证书", _PASTE_AUTHORITY
    return f"对方的证书没有通过验证（{error.verify_message}）", _PASTE_AUTHORITY


def days_left(certificate: Mapping[str, object] | None, now: datetime) -> int | None:
    """Whole days until a verified certificate of `ssl.SSLSocket.getpeercert` expires."""
    written = (certificate or {}).get("notAfter")
    if not isinstance(written, str):
        return None
    return (datetime.fromtimestamp(ssl.cert_time_to_seconds(written), UTC) - now).days
