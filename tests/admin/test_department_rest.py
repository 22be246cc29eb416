"""The departments' REST door as an outsider meets it: plain HTTP, another library's signatures, the published document."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import OKPKey
from openapi_spec_validator import validate
from sqlalchemy import create_engine, text, update

from hub.deciding.decide import decide
from hub.exchange import pull
from hub.exchange.inbox import InboxRow, Quarantined
from hub.exchange.outbox import OutboxRow
from hub.feedback.evidence import Evidence
from hub.pushing.push import Push
from schemas import dumps
from storage.signing import Signer, TrustedKey, TrustedKeys, generate_private_key
from tests.admin.conftest import Hub
from tests.connectors.waiting import until
from tests.hub.builders import a_case
from tests.readable import until_readable

# RFC 9864 prefers the name Ed25519; EdDSA is what every library knows.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
API = "/api/hub/v1"
NUMBERS = itertools.count(1)
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


class Outsider:
    """A department with an HTTP client and a JOSE library of somebody else's."""

    def __init__(self, address: str, pem: bytes, kid: str, code: str = "scjg") -> None:
        self.code, self.kid = code, kid
        self._key = OKPKey.import_key(pem)
        self.http = httpx.Client(base_url=address, timeout=40)

    def token(self, **other: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.code, "aud": "/990101/hub", "sub": "exchange", "jti": str(uuid.uuid4()),
            "iat": now, "exp": now + 60, **other,
        }  # fmt: skip
        head = {"alg": "EdDSA", "kid": self.kid, "typ": "JWT"}
        return jws.serialize_compact(head, json.dumps(claims).encode(), self._key, algorithms=["EdDSA"])

    def signed(self, value: bytes) -> str:
        head = {"alg": "EdDSA", "kid": self.kid}
        whole = jws.serialize_compact(head, value, self._key, algorithms=["EdDSA"])
        header, _, signature = whole.split(".")
        return f"{header}..{signature}"

    def ask(self, method: str, path: str, *, token: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token()}", **more.pop("headers", {})}
        return self.http.request(method, API + path, headers=headers, **more)

    def pull(self, after: str = "", **query: Any) -> dict[str, Any]:
        answer = self.ask("GET", "/messages", params={"after": after, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def send(self, *documents: dict[str, Any]) -> list[dict[str, Any]]:
        values = [dumps(document) for document in documents]
        body = {
            "messages": [
                {"value": base64.b64encode(value).decode(), "signature": self.signed(value)}
                for value in values
            ]
        }
        answer = self.ask("POST", "/messages", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]  # type: ignore[no-any-return]

    def event(self, kind: str, subject: str, data: dict[str, Any], **other: Any) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": f"/990101/{self.code}",
            "type": kind,
            "subject": subject,
            "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": data,
            **other,
        }

    def receipt(self, message: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        data = {
            "event_id": message["event_id"],
            "package_sha256": message["sha256"],
            "receipts": [{"kind": "arrived", "at": now}, {"kind": "signed", "at": now}],
        }
        return self.event("receipt.v1", message["key"], data)


@pytest.fixture(scope="module")
def outsider(hub: Hub, address: str) -> Iterator[Outsider]:
    """scjg, with a key of its own making."""
    pem = generate_private_key()
    signer = Signer.from_pem("scjg", pem)
    with hub.engine.begin() as tx:
        tx.execute(
            text("INSERT INTO department_keys (kid, department, public_pem) VALUES (:kid, 'scjg', :pem)"),
            {"kid": signer.kid, "pem": signer.public_pem},
        )
    made = Outsider(address, pem, signer.kid)
    yield made
    made.http.close()


def decided(hub: Hub, count: int = 1) -> list[Any]:
    """Decisions whose messages can be pulled."""
    cases = decided_just_now(hub, count)
    until_readable(hub.engine)
    return cases


def decided_just_now(hub: Hub, count: int = 1) -> list[Any]:
    cases = [a_case(next(NUMBERS)) for _ in range(count)]
    with hub.engine.begin() as tx:
        decide(tx, cases, hub.desk, actor="user:t")
    return cases


def finding(outsider: Outsider, case_no: str, number: str, **other: Any) -> dict[str, Any]:
    data = {
        "finding_no": number, "project_no": case_no, "inspected_at": "2026-11-21",
        "inspectors": [{"name": "示例己"}], "check_result": "1", "handling": "1", **other,
    }  # fmt: skip
    return outsider.event("finding.reported.v1", case_no, data)


def test_a_department_takes_part_with_plain_http(hub: Hub, outsider: Outsider) -> None:
    """Claim: what was decided is pulled with the hub's exact bytes and signature; the receipt moves the push; then that
    one is not unsigned, and the place names what was signed for; a cursor goes on where it was."""
    start = caught_up(hub, outsider)
    decided(hub, 2)
    page = outsider.pull(start)
    assert [one["type"] for one in page["messages"]] == ["approval.decided.v1"] * 2
    one = page["messages"][0]
    value = base64.b64decode(one["value"])
    own = TrustedKeys.of([TrustedKey(hub.desk.signer.kid, "hub", hub.desk.signer.public_pem)])
    assert own.verify(value, one["signature"], at=datetime.now(UTC)).department == "hub"
    assert hashlib.sha256(value).hexdigest() == one["sha256"]
    assert [result["outcome"] for result in outsider.send(outsider.receipt(one))] == ["taken"]
    with hub.engine.connect() as tx:
        states = dict(
            tx.execute(text("SELECT event_id::text, state FROM pushes WHERE department = 'scjg'")).all()
        )
    assert states[one["event_id"]] == "signed"
    left = outsider.pull(start, unsigned="true")["messages"]
    assert [each["event_id"] for each in left] == [page["messages"][1]["event_id"]]
    signed = outsider.ask("GET", "/place", params={"after": start}).json()
    assert [each["event_id"] for each in signed["signed"]] == [one["event_id"]]
    assert outsider.pull(page["next"])["messages"] == []
    in_two = outsider.pull(start, limit=1)
    assert in_two["more"]
    rest = outsider.pull(in_two["next"])["messages"]
    assert [each["event_id"] for each in rest] == [page["messages"][1]["event_id"]]


def test_each_message_is_answered(hub: Hub, outsider: Outsider) -> None:
    """Claim: taken, duplicate (in the same batch too) and refused, each in its place; a refused one says what is wrong and
    what would be right, stands in the quarantine once however often it is sent, and is told over the inbox as well."""
    case = decided(hub)[0]
    good = finding(outsider, case.case_no, f"R-{uuid.uuid4().hex[:8]}")
    unknown = finding(outsider, "2026NOWHERE", f"R-{uuid.uuid4().hex[:8]}")
    foreign = finding(outsider, case.case_no, "R-3") | {"source": "/990101/zhzf"}
    broken = finding(outsider, case.case_no, "R-4", check_result="9")
    start = caught_up(hub, outsider)
    results = outsider.send(good, unknown, good, foreign, broken)
    assert [one["outcome"] for one in results] == ["taken", "refused", "duplicate", "refused", "refused"]
    assert [one.get("cause") for one in results] == [None, "unknown_case", None, "wrong_sender", "schema"]
    assert all(one["message"] and one["expected"] for one in results if one["outcome"] == "refused")
    assert results[1]["event_id"] == unknown["id"]
    assert [one["outcome"] for one in outsider.send(good, unknown)] == ["duplicate", "refused"]
    with hub.engine.connect() as tx:
        held = tx.execute(
            text("SELECT cause FROM quarantine WHERE topic = 'rest:scjg' AND event_id = :id"),
            {"id": unknown["id"]},
        ).all()
        assert held == [("unknown_case",)]
        assert tx.execute(InboxRow.__table__.select().where(InboxRow.event_id == good["id"])).one()
        assert tx.execute(Quarantined.__table__.select().where(Quarantined.event_id == broken["id"])).one()
    until_readable(hub.engine)
    told = [one for one in outsider.pull(start)["messages"] if one["type"] == "quarantined.v1"]
    assert len(told) == 3
    raw = dumps(finding(outsider, case.case_no, f"R-{uuid.uuid4().hex[:8]}"))
    headers = {"Content-Type": "application/cloudevents+json", "Signature": outsider.signed(raw)}
    assert (
        outsider.ask("POST", "/messages", content=raw, headers=headers).json()["results"][0]["outcome"]
        == "taken"
    )
    for body in ({}, {"messages": []}, {"messages": [{"value": "***"}]}, {"messages": [7]}, []):
        answer = outsider.ask("POST", "/messages", json=body)
        assert answer.status_code == 422, body
        assert answer.json()["message"]


def test_who_calls_is_proved_each_time(hub: Hub, outsider: Outsider) -> None:
    """Claim: no token, one used twice, of a stranger, for something else, an old one, of a revoked key: refused in words."""
    once = outsider.token()
    assert outsider.ask("GET", "/messages", token=once).status_code == 200
    again = outsider.ask("GET", "/messages", token=once)
    assert (again.status_code, again.json()["error"]) == (409, "conflict")
    stranger = Outsider(str(outsider.http.base_url), generate_private_key(), outsider.kid)
    old = int(time.time()) - 600
    for token in (
        stranger.token(),
        outsider.token(sub="licences"),
        outsider.token(aud="/990101/else"),
        outsider.token(iss="zhzf"),
        outsider.token(iat=old, exp=old + 60),
        outsider.token(jti="x"),
        "nonsense",
    ):
        answer = outsider.ask("GET", "/messages", token=token)
        assert answer.status_code == 401, answer.text
        assert answer.json()["message"]
        assert "invalid_token" in answer.headers["WWW-Authenticate"]
    stranger.http.close()
    assert outsider.http.get(f"{API}/messages").status_code == 401


def caught_up(hub: Hub, outsider: Outsider) -> str:
    """The place behind everything."""
    until_readable(hub.engine)
    return str(outsider.pull(limit=500)["next"])


def test_nothing_new_is_304_and_waiting_ends_when_something_comes(hub: Hub, outsider: Outsider) -> None:
    """Claim: the same question with its ETag is 304; a long poll is empty when its time is up."""
    start = caught_up(hub, outsider)
    first = outsider.ask("GET", "/messages", params={"after": start})
    again = outsider.ask(
        "GET", "/messages", params={"after": start}, headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    begun = time.monotonic()
    assert outsider.pull(start, wait=1)["messages"] == []
    assert time.monotonic() - begun > 0.9
    decided(hub)
    tag = {"If-None-Match": first.headers["ETag"]}
    until(lambda: outsider.ask("GET", "/messages", params={"after": start}, headers=tag).status_code == 200)
    assert outsider.ask("GET", "/messages", params={"wait": "99"}).status_code == 422
    assert outsider.ask("GET", "/messages", params={"limit": "0"}).status_code == 422
    assert outsider.ask("GET", "/messages", params={"after": "1.2"}).status_code == 422


def test_nothing_is_passed_over_while_a_transaction_still_runs(hub: Hub, outsider: Outsider) -> None:
    """Claim: of two writers the one that began first commits last; nobody's cursor gets past it meanwhile."""
    start = caught_up(hub, outsider)
    slow = create_engine(hub.database_url)
    with slow.connect() as late, late.begin() as first:
        case = a_case(next(NUMBERS))
        decide(late, [case], hub.desk, actor="user:t")
        decided_just_now(hub)
        page = outsider.pull(start)
        assert page["messages"] == []
        first.commit()
    slow.dispose()
    # Whatever else runs on this server (its own housekeeping too) may hold the second one back for a moment.
    until(lambda: len(outsider.pull(page["next"])["messages"]) == 2)
    assert outsider.pull(page["next"])["messages"][0]["key"] == case.case_no


def test_evidence_first_then_its_name(hub: Hub, outsider: Outsider) -> None:
    """Claim: a file is kept when its digest is the announced one, once however often it is brought; the hub says whether it
    is there; another digest, another kind of file, no name: refused, and nothing is kept."""
    sha256 = hashlib.sha256(PDF).hexdigest()
    assert outsider.ask("GET", f"/evidence/{sha256}").status_code == 404
    query = {"name": "现场照片.pdf", "sha256": sha256}
    first = outsider.ask("POST", "/evidence", params=query, content=iter([PDF[:20], PDF[20:]]))
    assert first.status_code == 201, first.text
    assert first.json() == {
        "sha256": sha256, "name": "现场照片.pdf", "size": len(PDF), "media_type": "application/pdf",
    }  # fmt: skip
    assert outsider.ask("POST", "/evidence", params=query, content=PDF).status_code == 200
    assert outsider.ask("GET", f"/evidence/{sha256}").json() == first.json()
    for changed, content in (
        ({"sha256": "0" * 64}, PDF),
        ({"sha256": "x"}, PDF),
        ({"sha256": hashlib.sha256(b"#!/bin/sh").hexdigest()}, b"#!/bin/sh"),
        ({"sha256": hashlib.sha256(PDF + b" ").hexdigest(), "name": ""}, PDF + b" "),
    ):
        answer = outsider.ask("POST", "/evidence", params={**query, **changed}, content=content)
        assert answer.status_code == 422, answer.text
    with hub.engine.connect() as tx:
        rows = tx.execute(Evidence.__table__.select().where(Evidence.department == "scjg")).all()
    assert [(row.name, row.brought_by) for row in rows] == [("现场照片.pdf", "department:scjg")]


def test_after_a_restore_old_cursors_are_refused_and_nothing_is_hidden(hub: Hub, outsider: Outsider) -> None:
    """Claim: rows that come from a life with higher transaction numbers are put first by the migrate step, once; a cursor of
    another life is 410 with what to do; starting anew gives everything that is not signed for."""
    decided(hub)
    before = outsider.pull(limit=500, unsigned="true")
    with hub.engine.begin() as tx:
        tx.execute(update(OutboxRow).values(tx=OutboxRow.tx + 10_000_000))
    assert outsider.pull(limit=500)["messages"] == []
    with hub.engine.begin() as tx:
        assert pull.order_anew(tx, "990101") > 0
        assert pull.order_anew(tx, "990101") == 0
    for lost in (f"abc-1.{10**7}.5", before["next"].rsplit(".", 2)[0] + f".{10**12}.5"):
        answer = outsider.ask("GET", "/messages", params={"after": lost})
        assert (answer.status_code, answer.json()["error"]) == (410, "place_lost")
    after = outsider.pull(limit=500, unsigned="true")["messages"]
    assert {one["event_id"] for one in after} == {one["event_id"] for one in before["messages"]}
    decided(hub)
    assert len(outsider.pull(limit=500, unsigned="true")["messages"]) == len(after) + 1


def test_pages_of_what_is_unsigned_are_bounded_and_miss_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim: however the rows and the limits fall, following `next` while `more` gives every unsigned message once."""
    keep = decided(hub, 7)
    with hub.engine.begin() as tx:
        tx.execute(
            update(Push)
            .where(Push.case_no.in_([keep[n].case_no for n in (1, 2, 4)]))
            .values(signed_at=text("now()"))
        )
    with hub.engine.connect() as tx:
        whole = [
            one.event_id for one in pull.messages(tx, "990101.scjg.in", None, limit=500, unsigned=True).found
        ]
    for scanned, limit, page_bytes in ((1, 1, 1), (2, 5, 1 << 20), (3, 2, 1), (500, 3, 20_000)):
        monkeypatch.setattr(pull, "SCANNED", scanned)
        monkeypatch.setattr(pull, "PAGE_BYTES", page_bytes)
        got, after, more = [], None, True
        while more:
            with hub.engine.connect() as tx:
                page = pull.messages(tx, "990101.scjg.in", after, limit=limit, unsigned=True)
            got += [one.event_id for one in page.found]
            after, more = str(page.next), page.more
        assert got == whole, (scanned, limit)


def test_the_document_is_valid_and_whole(hub: Hub, outsider: Outsider) -> None:
    """Claim: openapi.json is OpenAPI 3.1 by another's validator, and names exactly the calls that there are."""
    answer = outsider.http.get(f"{API}/openapi.json")
    document = answer.json()
    validate(document)
    described = {(path, method.upper()) for path, calls in document["paths"].items() for method in calls}
    there = {
        (str(rule).replace("<", "{").replace(">", "}"), method)
        for rule in hub.app.url_map.iter_rules()
        if str(rule).startswith(API + "/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert described == there


def test_a_row_of_nobodys_is_nobodys(hub: Hub, outsider: Outsider) -> None:
    """Claim: another department's messages are read by no cursor of ours."""
    with hub.engine.connect() as tx:
        theirs = {
            str(row.event_id)
            for row in tx.execute(OutboxRow.__table__.select().where(OutboxRow.topic == "990101.zhzf.in"))
        }
    assert theirs
    assert not theirs & {one["event_id"] for one in outsider.pull(limit=500)["messages"]}
