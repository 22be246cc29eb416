"""E-mail passes what the contract asks of a kind that only takes, against a real SMTP server with STARTTLS and sign-in."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from connectors.adapters.mail import MailAdapter, open_adapter
from connectors.adapters.outside import Outside
from connectors.adapters.port import Outgoing
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.connector.document import Endpoint, Flow
from schemas.connector.kinds import secret_faults, settings_faults
from tests.adapters.contract import Checks, Delivers, Rehearses
from tests.adapters.counterpart import FIELDS, Counterpart, Record, Trouble
from tests.connectors.adapters import pki

PASSWORD = "m4il-password"
TO = "jieshou@dept.example.test"


# ruff: noqa: N802 - the names of aiosmtpd's hooks


class Mailbox:
    """Keeps what comes; answers as told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses = ""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        if self.refuses:
            return self.refuses
        found = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        return "250 OK"

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Envelope, address: str, *_: Any
    ) -> str:
        if address.startswith("nobody@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


class MailServer:
    """Runs from `start` to `stop`, on the same port every time."""

    def __init__(self, context: ssl.SSLContext | None, *, at_once: bool = False) -> None:
        self.box = Mailbox()
        self.port = 0
        self._context, self._at_once = context, at_once
        self._running: Controller | None = None

    def start(self) -> None:
        if not self.port:
            with socket.socket() as held:
                held.bind(("127.0.0.1", 0))
                self.port = held.getsockname()[1]
        more: dict[str, Any] = {"tls_context": self._context, "require_starttls": True}
        if self._at_once or self._context is None:
            more = {"ssl_context": self._context, "auth_require_tls": False}
        self._running = Controller(
            self.box, "127.0.0.1", self.port, authenticator=_knows, auth_required=True, data_size_limit=1 << 26, **more
        )  # fmt: skip
        self._running.start()

    def stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.stop()


def _knows(_server: Any, _session: Any, _envelope: Any, _way: str, given: Any) -> AuthResult:
    good = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


def settings_for(server: MailServer, ca: pki.Pair, **more: Any) -> dict[str, Any]:
    return {
        "host": "127.0.0.1", "port": server.port, "username": "hub", "sender": "hub@shenguan.example.test",
        "authority": ca.pem, "patience_seconds": 60, **more,
    }  # fmt: skip


class MailCounterpart(Counterpart):
    """A mailbox, read by its attachments; a mail that came twice is known by its Message-ID."""

    fails_at = {"away": "tcp", "secret": "sign_in"}  # noqa: RUF012
    secrets = (PASSWORD, "wrong-pass-1")
    tells_null = False

    def __init__(self, folder: Path, ca: pki.Pair) -> None:
        self._ca = ca
        self._read: dict[str, list[dict[str, str]]] = {}
        self.server = MailServer(pki.make(ca).context(folder))
        self.server.start()

    def open(self, *, out: bool = True, trouble: Trouble | None = None, sandbox: bool = False) -> MailAdapter:
        settings = settings_for(self.server, self._ca)
        place = {"to": TO, "together": False}
        assert settings_faults("mail", "settings", settings) == []
        assert settings_faults("mail", "out", place) == []
        endpoint = Endpoint("m", "mail", settings, {"password": "sealed"})
        assert secret_faults(endpoint) == []
        secret = "wrong-pass-1" if trouble == "secret" else PASSWORD
        outside = Outside({"password": secret}, loopback_allowed=True, sandbox=sandbox)
        return open_adapter(endpoint, Flow("f", "out", "approval.decided.v1", "m", place), outside)

    def there(self, *, sandbox: bool = False) -> list[Record]:
        time.sleep(0.02)  # who looks all the time leaves the server, in this very process, no time to answer
        rows: dict[str, Record] = {}
        for one in list(self.server.box.mails):
            key = str(one["Message-ID"])
            if key not in self._read:
                self._read[key] = attached(one)
            if ("演练" in one["Subject"]) == sandbox:
                for row in self._read[key]:
                    rows.setdefault(str(row["id"]), {name: row[name] or None for name in FIELDS})
        return list(rows.values())

    def break_it(self) -> None:
        self.server.stop()

    def mend_it(self) -> None:
        self.server.start()

    def close(self) -> None:
        self.server.stop()


def attached(mail: EmailMessage) -> list[dict[str, str]]:
    (part,) = mail.iter_attachments()
    text = part.get_payload(decode=True).decode("utf-8-sig")  # type: ignore[union-attr]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@pytest.fixture(scope="module")
def ca() -> pki.Pair:
    return pki.authority()


class TestMail(Checks, Delivers, Rehearses):
    """One mail per record."""

    @pytest.fixture
    def counterpart(self, tmp_path: Path, ca: pki.Pair) -> Iterator[Counterpart]:
        made = MailCounterpart(tmp_path, ca)
        yield made
        made.close()


@pytest.fixture
def server(tmp_path: Path, ca: pki.Pair) -> Iterator[MailServer]:
    made = MailServer(pki.make(ca).context(tmp_path))
    made.start()
    yield made
    made.stop()


def opened(
    server: MailServer, ca: pki.Pair, place: dict[str, Any] | None = None, **settings: Any
) -> MailAdapter:
    outside = Outside(
        {"password": PASSWORD}, loopback_allowed=True, clock=lambda: datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
    )
    flow = Flow("f", "out", "approval.decided.v1", "m", {"to": TO, **(place or {})})
    return open_adapter(Endpoint("m", "mail", settings_for(server, ca, **settings)), flow, outside)


PERSONAL = {
    "相对人": "示例甲", "身份证号码": "110101199003078515", "联系电话": "13800138000", "事项": "食品经营许可",
}  # fmt: skip


def test_a_digest_shows_masked_numbers_and_attaches_everything(server: MailServer, ca: pki.Pair) -> None:
    """Claim: several records are one mail; the body keeps the last digits of numbers only, the attachment has all of it."""
    batch = [Outgoing(f"e-{n}", "c-1", {**PERSONAL, "no": n}) for n in range(60)]
    assert opened(server, ca).deliver(batch) == [None] * 60
    (mail,) = server.box.mails
    assert mail["Subject"] == "审管通推送：60 条（2026-11-22）"
    assert "110101199003078515" not in body(mail)
    assert "8515" in body(mail)
    assert "13800138000" not in body(mail)
    assert "其余 10 条见附件" in body(mail)
    rows = attached(mail)
    assert len(rows) == 60
    assert rows[0]["身份证号码"].lstrip("'") == "110101199003078515"
    opened(server, ca, {"unmasked": True, "attachment": "json"}).deliver(batch[:1])
    assert "110101199003078515" in body(server.box.mails[1])
    (part,) = server.box.mails[1].iter_attachments()
    assert json.loads(part.get_payload(decode=True)) == [{**PERSONAL, "no": 0}]  # type: ignore[arg-type]


def test_line_ends_never_become_headers(server: MailServer, ca: pki.Pair) -> None:
    """Claim: a case number with line ends stays inside the subject; nothing becomes a header or another mail."""
    record = {"name": "x\r\n.\r\nMAIL FROM:<a@b.test>", "note": "\r\nBcc: x@evil.test"}
    adapter = opened(server, ca, {"subject": "办件 {subject}\n{day}"})
    assert adapter.deliver([Outgoing("e-1", "c\r\nBcc: x@evil.test\r\n\r\nbody", record)]) == [None]
    (mail,) = server.box.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "办件 c Bcc: x@evil.test body 2026-11-22"
    assert mail["To"] == TO


@pytest.mark.parametrize(
    "written",
    [
        "", " , ", "x", "a@b\r\nBcc: c@d.test", "<a@b.test>", "示例 <a@b.test>", "a@b..test", "a@-b.test", "a b@c.test",
        "a@b.test\x00", "局@b.test", ", ".join(f"a{n}@b.test" for n in range(21)),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(server: MailServer, ca: pki.Pair, written: str) -> None:
    """Claim: recipients are bare addresses, at most twenty; anything else is named before a connection is made."""
    with pytest.raises(Misconfigured):
        opened(server, ca, {"to": written})
    if "," not in written:
        with pytest.raises(Misconfigured):
            opened(server, ca, sender=written)


def test_the_server_says_no(server: MailServer, ca: pki.Pair) -> None:
    """Claim: a mail refused for good is a refusal with the server's words; one refused for now, and an unknown recipient,
    are tried again."""
    adapter = opened(server, ca)
    server.box.refuses = "554 5.7.1 content rejected"
    (refusal,) = adapter.deliver([Outgoing("e-1", "c", {"a": "1"})])
    assert refusal is not None
    assert "content rejected" in refusal.words
    server.box.refuses = "451 4.7.1 greylisted"
    with pytest.raises(AdapterUnavailable, match="稍后"):
        adapter.deliver([Outgoing("e-1", "c", {"a": "1"})])
    with pytest.raises(AdapterUnavailable, match="收件人"):
        opened(server, ca, {"to": "nobody@dept.example.test"}).deliver([Outgoing("e-1", "c", {"a": "1"})])


def test_mail_brings_nothing_back(server: MailServer, ca: pki.Pair) -> None:
    """Claim: a flow that collects cannot be opened, and collecting says what to do instead."""
    with pytest.raises(Misconfigured, match="只能送出"):
        opened(server, ca).collect("", 1)
    flow = Flow("f", "in", "finding", "m", {})
    with pytest.raises(Misconfigured, match="只能送出"):
        open_adapter(Endpoint("m", "mail", settings_for(server, ca)), flow, Outside())


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # of the server, which is what we want
def test_what_is_not_secured_is_not_signed_in_to(server: MailServer, ca: pki.Pair, tmp_path: Path) -> None:
    """Claim: an unknown authority, a server without STARTTLS, and TLS from the start each show at the TLS layer."""
    steps = list(opened(server, ca, authority=pki.authority("else.test").pem).check())
    assert (steps[-1].layer, steps[-1].ok) == ("tls", False)
    assert "签发机构" in steps[-1].words
    plain = MailServer(None)
    plain.start()
    last = list(opened(plain, ca).check())[-1]
    assert (last.layer, last.ok) == ("tls", False)
    assert "STARTTLS" in last.words
    with pytest.raises(AdapterUnavailable, match="STARTTLS"):
        opened(plain, ca).deliver([Outgoing("e", "c", {"a": "1"})])
    assert opened(plain, ca, security="none").deliver([Outgoing("e", "c", {"a": "1"})]) == [None]
    plain.stop()
    at_once = MailServer(pki.make(ca).context(tmp_path), at_once=True)
    at_once.start()
    adapter = opened(at_once, ca, security="tls")
    assert all(one.ok for one in adapter.check())
    assert adapter.deliver([Outgoing("e", "c", {"a": "1"})]) == [None]
    at_once.stop()
