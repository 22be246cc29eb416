"""What departments' HTTP systems really answer: error pages with 200, endless and dripping bodies, redirects, odd tokens."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.adapters import http
from connectors.adapters.guard import AddressRefused
from connectors.adapters.http import HttpAdapter, open_adapter
from connectors.adapters.http_body import KEY_HEADER, SIGNATURE_HEADER, signature_holds
from connectors.adapters.outside import Outside
from connectors.adapters.port import Outgoing, Refusal, Step
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.connector.document import Endpoint, Flow
from tests.connectors.adapters import pki
from tests.connectors.adapters.http_system import (
    API_KEY,
    CLIENT_SECRET,
    TOKEN,
    Call,
    HttpSystem,
    Raw,
    Said,
    as_json,
)
from tests.connectors.adapters.test_guard import answers

ONE = [Outgoing("e-1", "c-1", {"id": "1", "amount": Decimal("12.10")})]
SUCCESS = {"success_field": "code", "success_values": "0"}
KEYED = {"auth": "api_key"}


@pytest.fixture
def system() -> Iterator[HttpSystem]:
    made = HttpSystem()
    made.start()
    yield made
    made.stop()


Open = Callable[..., HttpAdapter]


@pytest.fixture
def opened(system: HttpSystem) -> Iterator[Open]:
    """Open an adapter for the system: its settings, its flow's place, secrets, and which way."""
    adapters: list[HttpAdapter] = []

    def make(
        place: dict[str, Any] | None = None, *, way: str = "out", secrets: Any = None, **settings: Any
    ) -> HttpAdapter:
        settings = {"address": system.address, "patience_seconds": 60, **settings}
        place = {"path": "/x", **({"id_field": "id"} if way == "in" else {}), **(place or {})}
        flow = Flow("f", way, "approval.decided.v1", "oa", place)  # type: ignore[arg-type]
        outside = Outside({"api_key": API_KEY, **(secrets or {})}, loopback_allowed=True)
        adapters.append(open_adapter(Endpoint("oa", "http", settings), flow, outside))
        return adapters[-1]

    yield make
    for one in adapters:
        one.close()


def says(system: HttpSystem, *said: Said | Raw, path: str = "/x") -> None:
    """The system answers this, one after the other; the last one again and again."""
    rest = list(said)
    system.answers[path] = lambda _call: rest.pop(0) if len(rest) > 1 else rest[0]


def last(steps: Iterator[Step]) -> Step:
    return list(steps)[-1]


PAGE = (200, {"Content-Type": "text/html"}, "<html><title>系统维护中</title></html>".encode())


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (PAGE, "系统维护中"),
        ((200, {"Content-Type": "application/json"}, b"<!DOCTYPE html><title>Login</title>"), "Login"),
        ((200, {}, b"ok"), "不是有效的 JSON"),
        ((200, {}, b""), "（空）"),
        ((200, {}, b'{"code": NaN}'), "不是有效的 JSON"),
        ((200, {}, b"[" * 200_000), "不是有效的 JSON"),
        (as_json({"status": "fine"}), "没有约定的字段"),
        (as_json([0]), "没有约定的字段"),
        (as_json({"code": "7", "msg": "忙"}), "现在不能接收"),
        (as_json({}, 401), "登录信息"),
        (as_json({}, 403), "授权"),
        (as_json({}, 404), "路径"),
        (as_json({}, 500), "出错或太忙"),
        ((302, {"Location": "http://169.254.169.254/latest/meta-data"}, b""), "不跟随转向"),
        ((200, {"Content-Encoding": "br"}, b"x"), "不认识的压缩方式"),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), "解不开"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"code":0}' * 50)[:-30]), "没有传完"),
    ],
)
def test_what_is_not_success_is_tried_again_with_its_words(
    system: HttpSystem, opened: Open, said: Said, words: str
) -> None:
    """Claim: an answer that is not the agreed success, and not about this record, delivers nothing and says what came."""
    says(system, said)
    adapter = opened({**SUCCESS, "busy_values": "7"})
    with pytest.raises(AdapterUnavailable, match=words):
        adapter.deliver(ONE)
    says(system, as_json({"code": 0}))
    assert adapter.deliver(ONE) == [None]


def test_a_page_is_no_success_even_where_no_field_is_agreed(system: HttpSystem, opened: Open) -> None:
    """Claim: a web page with status 200 is never taken for success."""
    says(system, PAGE)
    with pytest.raises(AdapterUnavailable, match="网页"):
        opened().deliver(ONE)


@pytest.mark.parametrize(
    ("said", "cause", "words"),
    [
        (as_json({"code": 1001, "msg": "缺少统一社会信用代码"}), "answer", "缺少统一社会信用代码"),
        (as_json({"error": "day"}, 422), "answer", "day"),
        (as_json({"message": "too long"}, 413), "too_big", "too long"),
        ((400, {"Content-Type": "text/html"}, b"<title>Bad</title>"), "answer", "Bad"),
        ((409, {}, b""), "duplicate", "没有说明原因"),
    ],
)
def test_what_the_other_side_refuses_is_refused(
    system: HttpSystem, opened: Open, said: Said, cause: str, words: str
) -> None:
    """Claim: a record that is not taken is answered with its cause and the other side's own words."""
    says(system, said)
    (refusal,) = opened(SUCCESS).deliver(ONE)
    assert isinstance(refusal, Refusal)
    assert refusal.cause == cause
    assert words in refusal.words


def test_a_status_can_mean_that_it_is_there_already(system: HttpSystem, opened: Open) -> None:
    """Claim: where 409 was agreed to mean 'I have it', it is success."""
    says(system, (409, {}, b""))
    assert opened({**SUCCESS, "already_codes": "409"}).deliver(ONE) == [None]


def test_it_waits_as_long_as_it_is_asked_to(system: HttpSystem, opened: Open) -> None:
    """Claim: Retry-After comes with the outage, in seconds; a year is cut to an hour."""
    for written, wanted in (("17", 17.0), ("999999999999", 3600.0), ("soon", None)):
        says(system, (429, {"Retry-After": written}, b""))
        with pytest.raises(AdapterUnavailable) as caught:
            opened().deliver(ONE)
        assert caught.value.retry_after == wanted


def test_who_was_told_to_wait_does_not_knock_meanwhile(
    system: HttpSystem, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim: until the time that was asked for is over no request is made; then it goes on."""
    says(system, (503, {"Retry-After": "900"}, b""), as_json({"code": 0}))
    adapter = opened(SUCCESS)
    for _ in range(3):
        with pytest.raises(AdapterUnavailable):
            adapter.deliver(ONE)
    assert len(system.calls) == 1
    later = time.monotonic() + 901
    monkeypatch.setattr(http, "time", SimpleNamespace(monotonic=lambda: later))
    assert adapter.deliver(ONE) == [None]


def drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(1200):
        connection.sendall(b"x")
        time.sleep(0.05)


def drips_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(1200):
        connection.sendall(b"X-%d: y\r\n" % number)
        time.sleep(0.05)


def keeps_silent(connection: socket.socket) -> None:
    connection.settimeout(60)
    connection.recv(1)  # until the other side has had enough


@pytest.mark.parametrize("raw", [drips, drips_headers, keeps_silent])
def test_a_slow_answer_ends_in_time(system: HttpSystem, opened: Open, raw: Raw) -> None:
    """Claim: an answer that drips, in its head or its body, or never comes, takes no longer than was set."""
    says(system, raw)
    begun = time.monotonic()
    with pytest.raises(AdapterUnavailable, match="1 秒内"):
        opened(patience_seconds=1).deliver(ONE)
    assert time.monotonic() - begun < 30  # the answer itself would take a minute


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65_536)


def endless_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Long: " + b"y" * 60_000 + b"\r\n")


def test_a_big_answer_ends_at_the_limit(system: HttpSystem, opened: Open) -> None:
    """Claim: endless bodies and packed bombs are dropped at the limit; an endless head is no answer at all."""
    bomb = (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(100_000_000), 9))
    for said in (endless, bomb):
        says(system, said)
        with pytest.raises(AdapterUnavailable, match="64 KiB 的上限"):
            opened(answer_kib=64).deliver(ONE)
    says(system, endless_head)
    with pytest.raises(AdapterUnavailable):
        opened().deliver(ONE)


def test_no_address_of_ours_is_reached(system: HttpSystem) -> None:
    """Claim: forbidden addresses are refused with words when checking and when delivering, however they are written."""
    for address in ("http://169.254.169.254/", "http://[::ffff:a9fe:a9fe]/", "http://2130706433/"):
        adapter = open_adapter(
            Endpoint("oa", "http", {"address": address}),
            Flow("f", "out", "x", "oa", {"path": "x"}),
            Outside(),
        )
        with pytest.raises(AddressRefused):
            adapter.deliver(ONE)
        only = last(adapter.check())
        assert (only.layer, only.ok) == ("address", False)
    for address in ("ftp://x.test/", "http://user:pass@x.test/", "http://", "x.test", "http://x.test:99999/"):
        with pytest.raises(Misconfigured):
            open_adapter(Endpoint("oa", "http", {"address": address}), None, Outside())


def test_a_name_that_changes_its_mind_gains_nothing(
    system: HttpSystem, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim: each connection goes to the address that was judged for it; a later, forbidden one is refused."""
    asked = answers(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    says(system, as_json({"code": 0}))
    adapter = opened(address=f"http://rebinding.example:{system.port}")
    assert adapter.deliver(ONE) == [None]
    assert len(asked) == 1
    adapter.close()
    with pytest.raises(AddressRefused, match="元数据"):
        adapter.deliver(ONE)
    assert [one.headers["host"] for one in system.calls] == [f"rebinding.example:{system.port}"]


def test_what_is_sent_is_signed_and_keyed(system: HttpSystem, opened: Open) -> None:
    """Claim: the exact body is signed with its time, the key stays the same, numbers come exactly, a proxy is not asked."""
    says(system, as_json({"code": 0}))
    adapter = opened(SUCCESS, secrets={"signing_secret": "sh4red"})
    adapter.deliver(ONE)
    adapter.deliver(ONE)
    first, second = system.calls
    now = int(datetime.now(UTC).timestamp())
    given = first.headers[SIGNATURE_HEADER.lower()]
    assert signature_holds("sh4red", given, first.body, now)
    assert not signature_holds("sh4red", given, first.body + b" ", now)
    assert not signature_holds("sh4red", given, first.body, now + 3600)
    assert not signature_holds("other", given, first.body, now)
    assert first.headers[KEY_HEADER.lower()] == second.headers[KEY_HEADER.lower()] == "e-1"
    assert first.headers["x-shenguan-event"] == "approval.decided.v1"
    assert b'"amount":12.10' in first.body


def test_forms_and_paths(system: HttpSystem, opened: Open) -> None:
    """Claim: a record can go as a form, to a path with its number in it, which cannot lead elsewhere."""
    system.answers["/cases/..%2F..%2Fadmin%3Fx"] = lambda _call: as_json({})
    adapter = opened({"path": "/cases/{subject}", "body": "form", "method": "PUT"})
    record = {"a": "中 文&=", "b": None, "c": [1], "d": Decimal("0.10"), "e": True}
    assert adapter.deliver([Outgoing("e-1", "../../admin?x", record)]) == [None]
    (call,) = system.calls
    assert (call.method, call.path) == ("PUT", "/cases/..%2F..%2Fadmin%3Fx")
    assert call.body == b"a=%E4%B8%AD+%E6%96%87%26%3D&b=&c=%5B1%5D&d=0.10&e=true"
    (refusal,) = opened().deliver([Outgoing("e-2", "c", {"x": {1, 2}})])
    assert refusal is not None
    assert refusal.cause == "shape"


def test_where_there_is_room_for_one_only_one_goes(system: HttpSystem, opened: Open) -> None:
    """Claim: a form, and a path with a record's number in it, take one record each, even where several were wanted."""
    two = [Outgoing("e-1", "c-1", {"a": "1"}), Outgoing("e-2", "c-2", {"a": "2"})]
    for place in ({"body": "form"}, {"path": "/x{key}"}):
        for path in ("/x", "/xe-1", "/xe-2"):
            says(system, as_json({}), path=path)
        assert opened({"together": True, **place}).deliver(two) == [None, None]
    assert [(one.path, one.body) for one in system.calls] == [
        ("/x", b"a=1"), ("/x", b"a=2"), ("/xe-1", b'{"a":"1"}'), ("/xe-2", b'{"a":"2"}'),
    ]  # fmt: skip


@pytest.mark.parametrize("written", ["k\r\nX-Admin: 1", "密钥", "k\x00"])
def test_no_header_smuggles_another(opened: Open, written: str) -> None:
    """Claim: line ends and what is no ASCII never get into a header; the sentence does not repeat the secret."""
    adapter = opened(secrets={"api_key": written}, **KEYED)
    with pytest.raises(Misconfigured) as caught:
        adapter.deliver(ONE)
    assert written not in caught.value.message
    with pytest.raises(Misconfigured):
        opened(headers="X-A: b\nno colon")


# ---- signing in


def test_a_token_is_fetched_once_and_renewed_once(system: HttpSystem, opened: Open) -> None:
    """Claim: OAuth2 asks for one token for many requests, and for a new one when the old one is not taken any more."""
    adapter = opened(**oauth(system))
    says(system, as_json({}), as_json({}), as_json({}, 401), as_json({}))
    for _ in range(3):
        assert adapter.deliver(ONE) == [None]
    assert [one.path for one in system.calls] == ["/token", "/x", "/x", "/x", "/token", "/x"]
    assert all(one.headers["authorization"] == f"Bearer {TOKEN}" for one in system.calls if one.path == "/x")


def oauth(system: HttpSystem) -> dict[str, Any]:
    return {
        "auth": "oauth2", "client_id": "hub", "token_address": system.address + "/token",
        "secrets": {"client_secret": CLIENT_SECRET},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (as_json({"access_token": "a\r\nX-Admin: 1"}), "access_token"),
        (as_json({"access_token": "x" * 20_000}), "access_token"),
        (as_json({"access_token": 7}), "access_token"),
        (as_json(["x"]), "access_token"),
        (as_json({"access_token": "good", "token_type": "mac"}), "Bearer"),
        (PAGE, "access_token"),
        (
            as_json({"error": "invalid_client", "error_description": CLIENT_SECRET}, 401),
            "客户端编号或密钥不对",
        ),
        (as_json({"error": CLIENT_SECRET}, 400), "请核对令牌地址"),
        ((302, {"Location": "/login"}, b""), "没有发给令牌"),
        (as_json({}, 503), "令牌服务暂时不可用"),
    ],
)
def test_a_forged_or_refused_token_gets_nowhere(
    system: HttpSystem, opened: Open, said: Said, words: str
) -> None:
    """Claim: what is no token is not sent on; the reason is said without repeating what the token service wrote."""
    says(system, said, path="/token")
    adapter = opened(**oauth(system))
    with pytest.raises(AdapterUnavailable, match=words) as caught:
        adapter.deliver(ONE)
    assert CLIENT_SECRET not in caught.value.message
    step = last(adapter.check())
    assert (step.layer, step.ok) == ("sign_in", False)
    assert [one.path for one in system.calls if one.path != "/token"] == []


def test_the_token_service_is_a_layer_of_signing_in(system: HttpSystem, opened: Open) -> None:
    """Claim: a token address that nobody listens at shows when signing in, and says that it is the token service."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    step = last(opened(**{**oauth(system), "token_address": f"http://127.0.0.1:{port}/"}).check())
    assert (step.layer, step.ok) == ("sign_in", False)
    assert "令牌服务" in step.words


def test_the_name_on_the_certificate_is_that_of_the_endpoint_alone(tmp_path: Path, opened: Open) -> None:
    """Claim: a name set for an endpoint reached by number is not asked of the token service."""
    ca = pki.authority()
    secured = HttpSystem(pki.make(ca, host="oa.example.test").context(tmp_path))
    tokens = HttpSystem(pki.make(ca, host="localhost").context(tmp_path))
    for one in (secured, tokens):
        one.start()
    says(secured, as_json({}))
    settings = oauth(tokens) | {"token_address": f"https://localhost:{tokens.port}/token"}
    adapter = opened(address=secured.address, authority=ca.pem, server_name="oa.example.test", **settings)
    assert adapter.deliver(ONE) == [None]
    assert last(adapter.check()).ok
    for one in (secured, tokens):
        one.stop()


def test_a_client_certificate_is_shown(tmp_path: Path, opened: Open) -> None:
    """Claim: a server that wants our certificate gets it; without one the cause is said where it shows."""
    ca = pki.authority()
    secured = HttpSystem(pki.make(ca).context(tmp_path, clients=ca))
    secured.start()
    says(secured, as_json({}))
    own = pki.make(ca, host="hub.test")
    settings = {"address": secured.address, "authority": ca.pem}
    shown = opened(client_certificate=own.pem, secrets={"client_key": own.key_pem}, **settings)
    assert shown.deliver(ONE) == [None]
    assert last(shown.check()).ok
    bare = opened(**settings)
    with pytest.raises(AdapterUnavailable):
        bare.deliver(ONE)
    step = last(bare.check())
    assert not step.ok
    assert step.layer in ("tls", "sign_in")
    assert "客户端证书" in step.words
    with pytest.raises(Misconfigured, match="私钥"):
        opened(client_certificate=own.pem, **settings)
    secured.stop()


# ---- checks


@pytest.mark.parametrize(
    ("said", "layer", "words"),
    [
        (as_json({}, 401), "sign_in", "登录信息"),
        ((302, {"Location": "https://sso.test/login?k=1"}, b""), "sign_in", "https://sso.test/login（"),
        (as_json({}, 403), "permission", "403"),
        (as_json({}, 404), "shape", "404"),
        (PAGE, "shape", "网页"),
        (as_json({"rows": []}), "shape", "data.list"),
        ((200, {}, b"nonsense"), "shape", "JSON"),
    ],
)
def test_a_check_says_the_layer(system: HttpSystem, opened: Open, said: Said, layer: str, words: str) -> None:
    """Claim: what is wrong with a list shows at its own layer with advice; only GET was used."""
    says(system, said)
    step = last(opened({"list_path": "data.list"}, way="in").check())
    assert (step.layer, step.ok) == (layer, False)
    assert words in step.words
    assert step.advice
    assert {one.method for one in system.calls} == {"GET"}


def test_without_a_test_path_a_check_sends_nothing(system: HttpSystem, opened: Open) -> None:
    """Claim: a webhook is only asked for its options, and the answer says how little that proves."""
    says(system, as_json({}, 404))
    step = last(opened().check())
    assert step.ok
    assert "测试路径" in step.advice
    assert [one.method for one in system.calls] == ["OPTIONS"]


# ---- reading page by page


def listing(system: HttpSystem, page: Callable[[Call], Any]) -> None:
    system.answers["/x"] = lambda call: page(call) if isinstance(page(call), tuple) else as_json(page(call))


def everything(adapter: HttpAdapter, limit: int = 3) -> tuple[list[Any], str]:
    found, place = [], ""
    for _ in range(50):
        page = adapter.collect(place, limit)
        found += [one.record.get("id") for one in page.records]
        place = page.place
        if not page.more:
            return found, place
    raise AssertionError("it never ends")


ROWS = [{"id": number} for number in range(1, 8)]


def by_link(call: Call) -> Said:
    start = int(call.query.get("at", "0"))
    more = {"Link": f'</x?at={start + 4}>; rel="next", </x>; rel="first"'} if start + 4 < len(ROWS) else {}
    return 200, more, json.dumps(ROWS[start : start + 4]).encode()


def by_body(call: Call) -> Any:
    start = int(call.query.get("after", "0"))
    return {"list": ROWS[start : start + 4], "next": start + 4 if start + 4 < len(ROWS) else None}


def by_url(call: Call) -> Any:
    start = int(call.query.get("at", "0"))
    return {"list": ROWS[start : start + 2], "next": f"/x?at={start + 2}" if start + 2 < len(ROWS) else ""}


def by_page(call: Call) -> Any:
    start = (int(call.query["pageNo"]) - 1) * int(call.query["limit"])
    return ROWS[start : start + int(call.query["limit"])]


@pytest.mark.parametrize(
    ("page", "place"),
    [
        (by_link, {"paging": "link"}),
        (by_body, {"paging": "body", "list_path": "list"}),
        (by_url, {"paging": "body", "list_path": "list"}),
        (by_page, {"paging": "page", "cursor_param": "pageNo", "page_size": 3}),
        (lambda call: ROWS, {"paging": "none"}),
        (lambda call: ROWS, {"paging": "last_id", "size_param": ""}),
    ],
)
def test_every_way_of_paging_reads_all_once(
    system: HttpSystem, opened: Open, page: Callable[[Call], Any], place: dict[str, Any]
) -> None:
    """Claim: whatever the way, everything comes once, in order; what is added later comes from the place then on."""
    listing(system, page)
    adapter = opened(place, way="in")
    found, behind = everything(adapter)
    assert found == [1, 2, 3, 4, 5, 6, 7]
    ROWS.append({"id": 8})
    try:
        assert [one.record["id"] for one in adapter.collect(behind, 5).records] == [8]
    finally:
        ROWS.pop()


@pytest.mark.parametrize(
    ("page", "place"),
    [
        (lambda call: {"list": ROWS, "next": "a"}, {"paging": "body", "list_path": "list"}),
        (lambda call: {"list": ROWS, "next": call.query.get("after", "") + "x"}, {"paging": "body", "list_path": "list"}),
        (lambda call: ROWS[:3], {"paging": "page", "cursor_param": "pageNo", "page_size": 3}),
        (lambda call: ROWS[:3], {"paging": "last_id", "page_size": 3}),
        (lambda call: {"list": ROWS, "next": "http://169.254.169.254/"}, {"paging": "body", "list_path": "list"}),
        (lambda call: {"list": ROWS, "next": "n" * 9000}, {"paging": "body", "list_path": "list"}),
        (lambda call: [{"no": 1}], {"paging": "last_id"}),
        (lambda call: {"list": {}}, {"paging": "body", "list_path": "list"}),
    ],
)  # fmt: skip
def test_pages_that_go_round_stop_with_words(
    system: HttpSystem, opened: Open, page: Callable[[Call], Any], place: dict[str, Any]
) -> None:
    """Claim: a cursor that does not move, a page that comes again, a next page elsewhere: it stops and says why."""
    listing(system, page)
    with pytest.raises(AdapterUnavailable) as caught:
        everything(opened(place, way="in"), 50)
    assert any(word in caught.value.message for word in ("下一页", "游标", "编号字段", "不是列表"))
    assert len(system.calls) < 6


def test_a_page_known_to_the_last_record_is_not_sent_again(system: HttpSystem, opened: Open) -> None:
    """Claim: a place behind everything carries the page's ETag; 'not modified' means nothing new."""

    def page(call: Call) -> Any:
        if call.headers.get("if-none-match") == '"v1"':
            return 304, {"ETag": '"v1"'}, b""
        return 200, {"ETag": '"v1"'}, json.dumps(ROWS).encode()

    listing(system, page)
    adapter = opened({"paging": "none"}, way="in")
    found, place = everything(adapter, 50)
    assert len(found) == 7
    again = adapter.collect(place, 50)
    assert (list(again.records), again.place, again.more) == ([], place, False)


def test_answers_of_older_systems_are_read(system: HttpSystem, opened: Open) -> None:
    """Claim: JSON in GBK, where it is said to be, and UTF-8 with a byte order mark are read like any other."""
    body = '[{"id": "1", "name": "示范县镕记"}]'
    for charset, raw in (("GBK", body.encode("gbk")), ("utf-8", b"\xef\xbb\xbf" + body.encode())):
        says(system, (200, {"Content-Type": f"application/json;charset={charset}"}, raw))
        (one,) = opened(way="in").collect("", 10).records
        assert one.record["name"] == "示范县镕记"


def test_what_is_no_record_is_named(system: HttpSystem, opened: Open) -> None:
    """Claim: an element that is no object comes as unreadable, with its number; decimals keep every digit."""
    listing(system, lambda call: (200, {}, b'[7, {"id": "a", "fine": 0.10}]'))
    first, second = opened(way="in").collect("", 10).records
    assert first.fault is not None
    assert second.record["fine"] == Decimal("0.10")
    with pytest.raises(Misconfigured, match="起点"):
        opened(way="in").collect("offset 4", 10)
