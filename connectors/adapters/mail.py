"""E-mail, the last resort where a department has no interface at all: records go out as an attachment. Nothing comes in.

Guarantees: line ends in a subject or an address never become headers; the same records have the same Message-ID, so that a
mail system which drops repetitions can; numbers of persons in the body keep their last digits only, unless the setting says
otherwise. Does not guarantee: that a mail is read, nor that it comes once: mail knows no receipt.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import smtplib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from connectors.adapters.filled import filled
from connectors.adapters.http_body import Unwritable
from connectors.adapters.mail_body import attachment, table
from connectors.adapters.mail_door import MailDoor, NotSecured, said_by
from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter, Collected, Column, Outgoing, Refusal, Step
from connectors.adapters.reachable import Target, Watch, reach
from connectors.adapters.tls import tls_context
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.connector.document import Endpoint, Flow

KIND = "mail"
MOST_RECIPIENTS = 20
MAX_MAIL = 20 * 1024 * 1024
_CHINA = timezone(timedelta(hours=8))
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"
)
#: Replies that concern the recipient or this very mail: trying again changes nothing.
_FOR_GOOD = range(500, 600)


def open_adapter(endpoint: Endpoint, flow: Flow | None, outside: Outside) -> MailAdapter:
    """The adapter of an endpoint of kind 'mail'. Raises Misconfigured."""
    return MailAdapter(endpoint, flow, outside)


def mail_address(written: str) -> str:
    """One bare address. Raises Misconfigured."""
    found = written.strip()
    if not _ADDRESS.fullmatch(found) or ".." in found or parseaddr(found)[1] != found:
        raise Misconfigured(
            f"“{written.strip()[:100]!r}”不是有效的邮件地址，请只写地址本身，例如 jieshou@example.gov.cn。"
        )
    return found


@dataclass(frozen=True, slots=True)
class _Letter:
    """What a flow's settings say of its mails."""

    recipients: tuple[str, ...] = ()
    subject: str = ""
    together: bool = True
    attachment: str = "csv"
    table: bool = True
    unmasked: bool = False


class MailAdapter(Adapter):
    """See the module."""

    def __init__(self, endpoint: Endpoint, flow: Flow | None, outside: Outside) -> None:
        self._outside = outside
        self._settings = filled(KIND, "settings", endpoint.settings)
        self._sender = mail_address(self._settings["sender"])
        self._letter = _Letter()
        if flow is not None:
            if flow.direction != "out":
                raise Misconfigured("电子邮件只能送出，不能采集。请为采集另选一种系统。")
            self._letter = _letter(filled(KIND, "out", flow.place))
        self._tls = tls_context(self._settings["authority"], use=KIND)
        self._door = MailDoor(self._settings, outside, self._tls)

    def __repr__(self) -> str:
        return f"MailAdapter({self._settings['host']!r})"

    def check(self) -> Iterator[Step]:
        """Reaches the server, secures the connection, signs in; sends nothing."""
        secured = self._settings["security"]
        target = Target(
            self._settings["host"],
            int(self._settings["port"]),
            self._tls if secured == "tls" else None,
            self._settings["server_name"],
        )
        if not (yield from reach(target, self._outside)):
            return
        watch = Watch()
        try:
            with self._door.connected() as server:
                if secured == "starttls":
                    yield watch.step("tls", True, "STARTTLS 握手成功，对方的证书有效。")
                self._door.sign_in(server)
                yield watch.step(
                    "sign_in",
                    True,
                    "邮件服务器接受我们的登录。" if self._settings["sign_in"] else "不需要登录。",
                )
                yield self._permission(server, watch)
        except NotSecured as error:
            yield watch.step("tls", False, error.message, error.advice, error.__cause__ or "")
        except AdapterUnavailable as error:
            advice = "请核对用户名和口令（有的邮箱要用专门的授权码）、端口和加密方式。"
            yield watch.step("sign_in", False, error.message, advice, said_by(error.__cause__))

    def _permission(self, server: smtplib.SMTP, watch: Watch) -> Step:
        """Whether we may send as the sender: asked, and taken back before any mail was begun."""
        code, said = server.mail(self._sender)
        with contextlib.suppress(smtplib.SMTPException):
            server.rset()
        if code == 250:
            return watch.step("permission", True, f"可以用 {self._sender} 发信。")
        advice = "请把发件人改为登录账号自己的地址，或请对方允许以此地址发信。"
        return watch.step(
            "permission",
            False,
            f"服务器不允许用 {self._sender} 发信。",
            advice,
            said.decode("utf-8", "replace"),
        )

    def deliver(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        """One mail for all, or one for each; taken by the server when this returns."""
        if not self._letter.recipients:
            raise Misconfigured("没有填写收件人，不能投递。")
        if not batch:
            return []
        answers: list[Refusal | None] = []
        with self._door.connected() as server:
            self._door.sign_in(server)
            for some in [list(batch)] if self._letter.together else [[one] for one in batch]:
                answers += self._send(server, some)
        return answers

    def _send(self, server: smtplib.SMTP, some: Sequence[Outgoing]) -> list[Refusal | None]:
        try:
            mail = self._mail(some)
        except Unwritable as error:
            if len(some) == 1:
                return [Refusal("shape", f"{error}。")]
            return [answer for one in some for answer in self._send(server, [one])]
        if len(mail) > MAX_MAIL:
            if len(some) == 1:
                return [Refusal("too_big", f"邮件超过 {MAX_MAIL >> 20} MiB，不能送出。")]
            half = len(some) // 2
            return self._send(server, some[:half]) + self._send(server, some[half:])
        try:
            refused = server.sendmail(self._sender, list(self._letter.recipients), mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise AdapterUnavailable(
                f"邮件服务器不接受收件人：{'、'.join(error.recipients)}。请核对收件人。"
            ) from error
        except smtplib.SMTPDataError as error:
            if error.smtp_code in _FOR_GOOD:
                return [Refusal("answer", f"邮件服务器拒收（{error.smtp_code}）：{said_by(error)}")] * len(
                    some
                )
            raise AdapterUnavailable(
                f"邮件服务器暂时不接收（{error.smtp_code}）。数据没有丢失，稍后会再试。"
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise AdapterUnavailable(
                f"邮件没有送出（{type(error).__name__}）。数据没有丢失，稍后会再试。"
            ) from error
        if refused:
            raise AdapterUnavailable(
                f"邮件服务器不接受收件人：{'、'.join(refused)}。其余收件人已经收到，请核对收件人。"
            )
        return [None] * len(some)

    def _mail(self, some: Sequence[Outgoing]) -> bytes:
        now = self._outside.clock().astimezone(_CHINA)
        mail = EmailMessage(policy=SMTP)
        mail["From"] = Address(addr_spec=self._sender)
        mail["To"] = ", ".join(self._letter.recipients)
        mail["Date"] = format_datetime(now)
        key = hashlib.sha256("\n".join(one.key for one in some).encode()).hexdigest()[:40]
        mail["Message-ID"] = f"<{key}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["Subject"] = self._subject(some, f"{now:%Y-%m-%d}")
        body = [f"审管通送来 {len(some)} 条记录，完整内容见附件。本邮件由系统自动发出，请勿回复。"]
        if self._outside.sandbox:
            body.insert(0, "这是演练，内容不是真实的业务数据。")
        records = [one.record for one in some]
        if self._letter.table:
            body += ["", table(records, unmasked=self._letter.unmasked)]
        mail.set_content("\n".join(body), charset="utf-8", cte="base64")
        content, subtype, name = attachment(records, self._letter.attachment, f"{now:%Y%m%d}-{key[:8]}")
        mail.add_attachment(
            content, maintype="text" if subtype == "csv" else "application", subtype=subtype, filename=name
        )
        return mail.as_bytes()

    def _subject(self, some: Sequence[Outgoing], day: str) -> str:
        text = self._letter.subject
        for name, value in (("{count}", str(len(some))), ("{subject}", some[0].subject), ("{day}", day)):
            text = text.replace(name, value)
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
        return f"【演练】{text}" if self._outside.sandbox else text

    def collect(self, place: str, limit: int) -> Collected:  # noqa: ARG002 - there is nothing to collect
        """Mail brings nothing back."""
        raise Misconfigured("电子邮件只能送出，不能采集。请为采集另选一种系统。")

    def columns(self) -> Sequence[Column]:
        """A mail takes whatever comes."""
        return ()


def _letter(place: dict[str, object]) -> _Letter:
    written = str(place["to"]).replace("，", ",").replace("；", ",").replace(";", ",").replace("\n", ",")
    recipients = tuple(dict.fromkeys(mail_address(one) for one in written.split(",") if one.strip()))
    if not 0 < len(recipients) <= MOST_RECIPIENTS:
        raise Misconfigured(f"收件人应有 1 到 {MOST_RECIPIENTS} 个。")
    return _Letter(
        recipients,
        str(place["subject"]),
        bool(place["together"]),
        str(place["attachment"]),
        bool(place["table"]),
        bool(place["unmasked"]),
    )
