"""A session with an SFTP server: the way there, whether it is the right machine, and the sign-in.

Guarantees: only judged addresses are dialled (`guard`); a server whose key is not the one that was set gets neither name
nor password; a session that broke is opened anew when it is next needed. No secret is in any sentence.
"""

from __future__ import annotations

import contextlib
import hmac
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import paramiko

from connectors.adapters.guard import dial
from connectors.adapters.outside import Outside
from connectors.adapters.port import Step
from connectors.adapters.reachable import Target, Watch, reach
from connectors.errors import AdapterUnavailable, Misconfigured

_TIMEOUT_S = 20.0
_KEEP_ALIVE_S = 30
# It logs every broken connection with its stack; what goes wrong is said by our errors.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class HostKeyRefused(AdapterUnavailable):
    """对方出示的主机密钥与设置的不符。"""

    def __init__(self, message: str, shown: str) -> None:
        super().__init__(message)
        self.shown = shown


class SignInRefused(AdapterUnavailable):
    """对方拒绝了登录。"""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Where, as whom, and which key the server has to show."""

    host: str
    port: int
    user: str
    host_key: str
    password: str = field(default="", repr=False)
    key: paramiko.PKey | None = field(default=None, repr=False)


class Session:
    """At most one connection, opened when it is needed."""

    def __init__(self, sign_in: SignIn, outside: Outside) -> None:
        self._sign_in, self._outside = sign_in, outside
        self._transport: paramiko.Transport | None = None
        self._client: paramiko.SFTPClient | None = None

    @property
    def shown(self) -> str:
        """Where this is, for sentences."""
        return f"{self._sign_in.host}:{self._sign_in.port}"

    def client(self) -> paramiko.SFTPClient:
        """Signed in. Raises AdapterUnavailable, HostKeyRefused, SignInRefused, and Misconfigured for a forbidden address."""
        if self._client is not None and self._transport is not None and self._transport.is_active():
            return self._client
        self.close()
        try:
            self._greet()
            self._enter()
        except (HostKeyRefused, SignInRefused):
            self.close()
            raise
        except (paramiko.SSHException, OSError, EOFError) as error:
            self.close()
            raise AdapterUnavailable(f"SFTP 服务器 {self.shown} 暂时连接不上：{_words(error)}。") from error
        assert self._client is not None
        return self._client

    def check(self) -> Iterator[Step]:
        """Layer after layer; the server's key stands where TLS has its certificate."""
        self.close()
        held = yield from reach(Target(self._sign_in.host, self._sign_in.port), self._outside)
        if not held:
            return
        watch = Watch()
        try:
            self._greet()
        except HostKeyRefused as error:
            advice = "请与对方的管理员核对指纹，一致时填入设置里的“主机密钥指纹”。"
            yield watch.step("tls", False, error.message, advice, error.shown)
            return
        except (paramiko.SSHException, OSError, EOFError) as error:
            words = "SSH 握手没有成功：对方在这个端口上可能不是 SFTP 服务器。"
            yield watch.step(
                "tls", False, words, "请核对端口；对方只支持过时的加密方式时，请对方升级。", error
            )
            return
        yield watch.step("tls", True, "SSH 握手成功，对方的主机密钥与设置的一致。")
        try:
            self._enter()
        except (AdapterUnavailable, paramiko.SSHException, OSError, EOFError) as error:
            said = error.__cause__ or error
            yield watch.step(
                "sign_in", False, f"用户 {self._sign_in.user} 登录被拒绝。", _ADVICE, type(said).__name__
            )
            return
        yield watch.step("sign_in", True, f"用户 {self._sign_in.user} 登录成功。")

    def close(self) -> None:
        """Hang up."""
        transport, self._transport, self._client = self._transport, None, None
        if transport is not None:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                transport.close()
            transport.join(5)

    def _greet(self) -> None:
        to = self._sign_in
        connection = dial(to.host, to.port, self._outside, _TIMEOUT_S)
        try:
            self._transport = transport = paramiko.Transport(connection)
        except BaseException:
            connection.close()
            raise
        transport.banner_timeout = transport.auth_timeout = _TIMEOUT_S
        transport.start_client(timeout=_TIMEOUT_S)
        shown = transport.get_remote_server_key().fingerprint
        if not to.host_key:
            raise HostKeyRefused(f"还没有填写主机密钥指纹。对方出示的是 {shown}。", shown)
        if not hmac.compare_digest(shown.encode(), to.host_key.rstrip("=").encode()):
            raise HostKeyRefused(
                f"对方出示的主机密钥指纹是 {shown}，与设置的不符：可能换了服务器，也可能有人冒充。", shown
            )

    def _enter(self) -> None:
        to, transport = self._sign_in, self._transport
        assert transport is not None
        try:
            if to.key is not None:
                left = transport.auth_publickey(to.user, to.key)
            else:
                left = transport.auth_password(to.user, to.password)
        except paramiko.AuthenticationException as error:
            raise SignInRefused(f"SFTP 服务器 {self.shown} 拒绝了用户 {to.user} 的登录。{_ADVICE}") from error
        if left:
            raise SignInRefused(
                f"SFTP 服务器 {self.shown} 还要求 {'、'.join(left)}，本连接器不支持多重登录。"
            )
        transport.set_keepalive(_KEEP_ALIVE_S)
        self._client = paramiko.SFTPClient.from_transport(transport)
        if self._client is None or (channel := self._client.get_channel()) is None:
            raise paramiko.SSHException("no channel")
        channel.settimeout(_TIMEOUT_S)


_ADVICE = "请核对用户名和密码（或私钥），并请对方确认这个用户可以用 SFTP 登录。"


def private_key(text: str, passphrase: str) -> paramiko.PKey:
    """A private key as it is pasted: OpenSSH's own format or PEM. Raises Misconfigured."""
    data = text.strip() + "\n"
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with contextlib.suppress(ValueError, TypeError, UnicodeError, paramiko.SSHException):
            return kind.from_private_key(io.StringIO(data), password=passphrase or None)
    raise Misconfigured(
        "私钥读不懂，或口令不对。请粘贴 OpenSSH 或 PEM 格式的私钥全文（Ed25519、ECDSA 或 RSA）。"
    )


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "没有答复，超时了"
    if isinstance(error, ConnectionRefusedError):
        return "端口上没有程序在听"
    return str(error) or type(error).__name__
