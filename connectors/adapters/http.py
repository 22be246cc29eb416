"""HTTP: records out to a webhook, records in by asking page by page. See schemas/connector/kinds/http.json for the settings.

Guarantees: every record goes with a key that stays the same (`Idempotency-Key`), so that the other side may take it once;
success is what was agreed to be, never just status 200 (`http_answer`). A rehearsal says so in a header, or goes to the
other side's own rehearsal address.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import IO, Any
from urllib.parse import quote

import httpx

from connectors.adapters import http_files
from connectors.adapters.filled import filled
from connectors.adapters.http_address import read_address
from connectors.adapters.http_answer import read_verdicts, refuse_for_all
from connectors.adapters.http_back import ReadBack
from connectors.adapters.http_body import (
    EVENT_HEADER,
    KEY_HEADER,
    SANDBOX_HEADER,
    SIGNATURE_HEADER,
    Unwritable,
    batch_key,
    form_bytes,
    json_bytes,
    signature,
    wrapped,
)
from connectors.adapters.http_check import Checking
from connectors.adapters.http_door import Ask, HttpDoor, Said
from connectors.adapters.http_poll import Place, read_paging
from connectors.adapters.http_sign_in import SignIn, header
from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter, Answer, Collected, Column, Outgoing, Record, Refusal, Step
from connectors.adapters.tls import Identity, tls_context
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.connector.document import Endpoint, Flow
from schemas.mapping.paths import found

KIND = "http"
#: Longer than this nobody is left alone, whatever `Retry-After` says.
LONGEST_REST_S = 600.0


def open_adapter(endpoint: Endpoint, flow: Flow | None, outside: Outside) -> HttpAdapter:
    """The adapter of an endpoint of kind 'http'. Raises Misconfigured."""
    return HttpAdapter(endpoint, flow, outside)


class HttpAdapter(Adapter):
    """See the module."""

    def __init__(self, endpoint: Endpoint, flow: Flow | None, outside: Outside) -> None:
        self._outside = outside
        self._flow = flow
        self._not_before = 0.0
        self._settings = settings = filled(KIND, "settings", endpoint.settings)
        self._place = filled(KIND, flow.direction, flow.place) if flow else {}
        self._base = read_address(settings["address"])
        self._beside = bool(outside.sandbox and settings["sandbox_address"])
        if self._beside:
            self._base = read_address(settings["sandbox_address"])
        context = tls_context(settings["authority"], self._identity(), use=KIND)
        patience = float(settings["patience_seconds"])
        named = {"server_name": settings["server_name"], "named_host": self._base.host}
        self._door = HttpDoor(outside, context, patience_s=patience, **named)
        self._sign_in = SignIn(settings, outside.secrets, self._door)
        self._extra = _headers(settings["headers"])
        self._verdicts = read_verdicts(self._place) if flow and flow.direction == "out" else None
        self._paging = read_paging(self.at, self._place) if flow and flow.direction == "in" else None
        self._back = ReadBack(self._place) if flow and flow.direction == "out" else None

    def __repr__(self) -> str:
        return f"HttpAdapter({str(self._base).partition('?')[0]!r})"

    def at(self, path: str) -> httpx.URL:
        """An address below that of the endpoint."""
        if not path:
            return self._base
        root, _, query = str(self._base).partition("?")
        below = f"{root.rstrip('/')}/{path.strip().lstrip('/')}"
        return read_address(below + (f"{'&' if '?' in below else '?'}{query}" if query else ""))

    def request(self, ask: Ask) -> Said:
        """With our sign-in; a token that is not taken is fetched anew once."""
        for again in (self._sign_in.renews, False):
            said = self._door.ask(
                replace(ask, headers={**self._extra, **ask.headers, **self._sign_in.headers()})
            )
            if said.status != 401 or not again:
                break
            self._sign_in.forget()
        return said

    def check(self) -> Iterator[Step]:
        """Reaches the place, signs in, and asks: a page of the list, the agreed test path, or what the path allows."""
        checking = Checking(self._door, self._outside, self.request, self._sign_in, self.hushed)
        if self._paging is not None:
            paging = replace(self._paging, size=1) if self._paging.size_param else self._paging
            yield from checking.list_page(paging, self._limit("answer_kib"))
        else:
            test, path = self._settings["check_path"], self._place.get("path", "")
            known = "" if "{" in path else path
            yield from checking.test_path(self.at(test or known), agreed=bool(test))

    def deliver(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        """One request per record, or per so many; what refuses several is asked for each alone."""
        if self._verdicts is None:
            raise Misconfigured("这条流不是送出的，不能投递。")
        self._wait_as_asked()
        together = self._together or 1
        answers: list[Refusal | None] = []
        try:
            for start in range(0, len(batch), together):
                answers += self._deliver_some(batch[start : start + together])
        except AdapterUnavailable as error:
            raise self._away(error) from error
        return [one and Refusal(one.cause, self.hushed(one.words)) for one in answers]

    @property
    def _together(self) -> int:
        """How many records go in one list; 0 where there is room for one alone: in a form, under a path with its number."""
        alone = self._place["body"] == "form" or "{" in self._place["path"]
        return 0 if alone or not self._place["together"] else int(self._place["batch_size"])

    def _deliver_some(self, some: Sequence[Outgoing]) -> list[Refusal | None]:
        refusal = self._send(some)
        if refusal is None or len(some) == 1:
            return [refusal] * len(some)
        return [self._send([one]) for one in some]

    def _send(self, some: Sequence[Outgoing]) -> Refusal | None:
        assert self._verdicts is not None
        assert self._flow is not None
        try:
            body = self._body(some)
        except Unwritable as error:
            return Refusal("shape", f"{error}。")
        form = self._place["body"] == "form"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
            "Accept": "application/json",
            KEY_HEADER: batch_key(some),
            EVENT_HEADER: self._flow.message,
            **self._beside_headers(),
        }
        if secret := self._outside.secrets.get("signing_secret"):
            headers[SIGNATURE_HEADER] = signature(secret, int(self._outside.clock().timestamp()), body)
        path = self._place["path"]
        for name, value in (("{key}", some[0].key), ("{subject}", some[0].subject)):
            path = path.replace(name, quote(value, safe=""))
        ask = Ask(self._place["method"], str(self.at(path)), headers, body, self._limit("answer_kib"))
        said = self.request(ask)
        refusal = self._verdicts.judge(said, self._outside.clock().timestamp())
        if self._back is not None and self._outside.sandbox and refusal is None and len(some) == 1:
            self._back.note(some[0].key, said)
        return refusal

    def _body(self, some: Sequence[Outgoing]) -> bytes:
        if self._place["body"] == "form":
            return form_bytes(some[0].record)
        value = [one.record for one in some] if self._together else some[0].record
        return json_bytes(wrapped(value, self._place["wrap"]))

    def collect(self, place: str, limit: int) -> Collected:
        """A page behind the place, asked for with its ETag where everything on it is known."""
        if self._paging is None:
            raise Misconfigured("这条流是送出的，HTTP 接口上没有可以读回的内容。")
        if self._outside.sandbox and not self._beside:
            return Collected((), place, False)
        self._wait_as_asked()
        at = Place.read(place)
        headers = {"Accept": "application/json", **self._beside_headers()}
        if at.etag:
            headers |= dict([header("If-None-Match", at.etag)])
        try:
            said = self.request(
                Ask("GET", str(self._paging.ask(at)), headers, b"", self._limit("answer_kib"))
            )
            if said.status == 304:
                return Collected((), place, False)
            refuse_for_all(said, self._outside.clock().timestamp())
            if said.status >= 400:
                raise AdapterUnavailable(f"对方不接受采集的请求（答复 {said.status}）：{said.excerpt()}")
            return self._paging.read(said, at, limit)
        except AdapterUnavailable as error:
            raise self._away(error) from error

    def settle(self, answers: Sequence[Answer]) -> None:
        """Told over there where a path for it is set: the numbers of what was said, and of what was not with why."""
        path = self._place.get("settle_path", "")
        if not path or not answers:
            return
        named = [(self._number(one), one) for one in answers]
        told = {
            "accepted": [{"id": number, "event_id": one.event_id} for number, one in named if one.event_id],
            "refused": [{"id": number, "words": one.words} for number, one in named if not one.event_id],
        }
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self._beside_headers()}
        said = self.request(
            Ask("POST", str(self.at(path)), headers, json_bytes(told), self._limit("answer_kib"))
        )
        refuse_for_all(said, self._outside.clock().timestamp())
        if said.status >= 400:
            raise AdapterUnavailable(
                self.hushed(f"对方不接受采集结果的回告（答复 {said.status}）：{said.excerpt()}")
            )

    def _number(self, answer: Answer) -> Any:
        known = found(answer.incoming.record, self._place["id_field"]) if self._place["id_field"] else None
        return answer.incoming.ref if known is None else known

    def found(self, batch: Sequence[Outgoing]) -> Sequence[Record | None] | None:
        """Read again where it was set how."""
        if self._back is None or not self._back.possible:
            return None
        self._wait_as_asked()
        try:
            return [self._read_again(self._back, one) for one in batch]
        except AdapterUnavailable as error:
            raise self._away(error) from error

    def _read_again(self, back: ReadBack, one: Outgoing) -> Record | None:
        if not back.asks:
            return back.echoed(one)
        if (path := back.path(one)) is None:
            return None
        headers = {"Accept": "application/json", **self._beside_headers()}
        said = self.request(Ask("GET", str(self.at(path)), headers, b"", self._limit("answer_kib")))
        return back.read(said, self._outside.clock().timestamp())

    def fetch_file(self, name: str, into: IO[bytes], most: int) -> None:
        """From the address that the flow's place names, or the one that the record gives, on the same server."""
        self._wait_as_asked()
        try:
            http_files.fetch(self, str(self._place.get("files_at", "")).strip(), name, into, most)
        except AdapterUnavailable as error:
            raise self._away(error) from error

    def columns(self) -> Sequence[Column]:
        """Of what is read, those of its records; a webhook does not say what it takes."""
        return super().columns() if self._paging is not None else ()

    def close(self) -> None:
        """Close the connections; a token is kept."""
        self._door.close()

    def _wait_as_asked(self) -> None:
        """The other side said when to come again: until then it is not asked, whoever asks us."""
        left = self._not_before - time.monotonic()
        if left > 0:
            raise AdapterUnavailable(
                f"对方要求稍后再试，还有 {left:.0f} 秒。数据没有丢失。", retry_after=left
            )

    def _away(self, error: AdapterUnavailable) -> AdapterUnavailable:
        if error.retry_after:
            self._not_before = time.monotonic() + min(error.retry_after, LONGEST_REST_S)
        return type(error)(self.hushed(error.message), retry_after=error.retry_after)

    def hushed(self, words: str) -> str:
        """Without our secrets, should the other side repeat them."""
        for secret in self._outside.secrets.values():
            if len(secret) >= 4:
                words = words.replace(secret, "***")
        return words

    def _limit(self, name: str) -> int:
        return int(self._settings[name]) * 1024

    def _beside_headers(self) -> dict[str, str]:
        return {SANDBOX_HEADER: "1"} if self._outside.sandbox else {}

    def _identity(self) -> Identity | None:
        certificate = self._settings["client_certificate"]
        if not certificate.strip():
            return None
        secrets = self._outside.secrets
        if not secrets.get("client_key"):
            raise Misconfigured("填写了客户端证书，还须在“秘密”中填写它的私钥。")
        return Identity(certificate, secrets["client_key"], secrets.get("client_key_password", ""))


def _headers(written: str) -> dict[str, str]:
    found_headers: dict[str, str] = {}
    for line in filter(None, (one.strip() for one in written.splitlines())):
        name, colon, value = line.partition(":")
        if not colon:
            raise Misconfigured(f"附加请求头“{line[:60]}”应写成 名称: 内容，每行一个。")
        found_headers |= dict([header(name.strip(), value.strip())])
    return found_headers
