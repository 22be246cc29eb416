"""A mail server, as the mail adapter reaches it: judged addresses, TLS as set, sign-in; every failure in our words."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.adapters.guard import dial
from connectors.adapters.outside import Outside
from connectors.adapters.tls import tls_words
from connectors.errors import AdapterUnavailable


class NotSecured(AdapterUnavailable):
    """邮件服务器的加密没有谈成。"""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


class MailDoor:
    """One connection at a time, for as long as a batch takes."""

    def __init__(self, settings: Mapping[str, Any], outside: Outside, tls: ssl.SSLContext) -> None:
        self._settings = settings
        self._outside = outside
        self._tls = tls

    @contextlib.contextmanager
    def connected(self) -> Iterator[smtplib.SMTP]:
        """A connection, secured as was set. Raises AdapterUnavailable (NotSecured), AddressRefused."""
        host, port = self._settings["host"], int(self._settings["port"])
        at_once = self._tls if self._settings["security"] == "tls" else None
        server = _Judged(self._outside, at_once, float(self._settings["patience_seconds"]))
        server.called = self._settings["server_name"] or host
        try:
            server.connect(host, port)
            server.ehlo_or_helo_if_needed()
            if self._settings["security"] == "starttls":
                server.secure(self._tls)
            yield server
        except ssl.SSLError as error:
            words, advice = tls_words(error)
            raise NotSecured(f"{words}。", advice) from error
        except smtplib.SMTPNotSupportedError as error:
            raise NotSecured(
                "邮件服务器在这个端口上不提供 STARTTLS。", "请核对端口（常用 587），或改用 TLS（465）。"
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            words = f"邮件服务器 {host}:{port} 连接不上或中断了（{type(error).__name__}）。"
            raise AdapterUnavailable(words + "数据没有丢失，稍后会再试。") from error
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def sign_in(self, server: smtplib.SMTP) -> None:
        """Where it is wanted. Raises AdapterUnavailable."""
        if not self._settings["sign_in"]:
            return
        try:
            server.login(self._settings["username"], self._outside.secrets.get("password", ""))
        except smtplib.SMTPAuthenticationError as error:
            raise AdapterUnavailable("邮件服务器不接受我们的用户名或口令。") from error
        except smtplib.SMTPNotSupportedError as error:
            raise AdapterUnavailable("邮件服务器不提供登录，请改用加密的端口，或关闭“需要登录”。") from error
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise AdapterUnavailable(
                f"登录邮件服务器时中断了（{type(error).__name__}），稍后会再试。"
            ) from error


class _Judged(smtplib.SMTP):
    """Connects to judged addresses alone, and checks the certificate for the name that was set."""

    def __init__(self, outside: Outside, tls: ssl.SSLContext | None, patience: float) -> None:
        self._outside = outside
        self._tls_at_once = tls
        self.called = ""
        super().__init__(timeout=patience, local_hostname="shenguan-connector")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = dial(host, port, self._outside, timeout)
        if self._tls_at_once is None:
            return connection
        return self._tls_at_once.wrap_socket(connection, server_hostname=self.called or host)

    def secure(self, context: ssl.SSLContext) -> None:
        """STARTTLS, for the name that was set."""
        self._host = self.called
        self.starttls(context=context)
        self.ehlo()


def said_by(error: BaseException | None) -> str:
    """What the server said, on one line."""
    said = getattr(error, "smtp_error", b"")
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.split())[:200]
