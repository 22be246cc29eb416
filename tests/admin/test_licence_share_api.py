"""The licence-sharing interface: right caller, stated use, granted type - and every call on the record."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, insert, text, update

from hub.catalogue.licence_types import add_licence_type
from hub.deciding.decided_case import PartyFacts
from hub.deciding.decided_rows import party_id, party_rows
from hub.identifiers import licence_identifier
from hub.licensing.licence import Licence
from hub.licensing.sharing.call import access, call_of
from hub.round_trips import write
from hub.sharing.grant import Grant
from hub.workday import LOCAL
from storage.signing import Signer, generate_private_key, sign_token
from tests.admin import licences
from tests.admin.conftest import Hub

TYPE, OWN_TYPE, CLOSED = "11370100MB00000194801", "11370100MB00000194802", "11370100MB00000194803"
COMPANY = PartyFacts("legal", "示范县青禾饮食有限公司", "91370102MA3C00011F", "001", "示例甲")
PERSON = PartyFacts("natural", "示例丁", "990101199001010019", "111")
TODAY = datetime.now(LOCAL).date()


def licence(
    tx: Connection, hub: Hub, serial: str, party: PartyFacts, *, type_code: str = TYPE, **other: Any
) -> uuid.UUID:
    """A licence as it may stand in the register."""
    write(tx, party_rows([party], hub.desk))
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "identifier": licence_identifier(type_code, "11370100MB00000194", serial),
        "party_id": party_id(party, hub.desk),
        "name": "示例经营许可证",
        "number": serial,
        "type_code": type_code,
        "issuer_code": "11370100MB00000194",
        "issuer_name": "示范县行政审批服务局",
        "department": "xzsp",
        "issued_on": TODAY,
        "valid_from": TODAY,
        "valid_to": TODAY + timedelta(days=365),
        "origin": "registered",
        "fields": {
            "address": {"text": "示范县示例路 1 号"},
            "manager": hub_number(hub),
        },
        **other,
    }
    tx.execute(insert(Licence).values(values))
    return values["id"]  # type: ignore[no-any-return]


def hub_number(hub: Hub) -> dict[str, str]:
    number = "990101199001010019"
    return {
        "masked": hub.desk.identities.mask(number),
        "digest": hub.desk.identities.digest("111", number).hex(),
    }


def granted(tx: Connection, type_code: str, **other: Any) -> uuid.UUID:
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "resource_kind": "licence",
        "resource_code": type_code,
        "department": "scjg",
        "provider": "xzsp",
        "sharing": "conditional",
        "basis": "依职责",
        "scene": "监管核查",
        "scope": "本县",
        "period_from": TODAY - timedelta(days=10),
        "period_to": TODAY + timedelta(days=100),
        "state": "granted",
        "applied_by": "user:test",
        "reply_by": text("now()"),
        **other,
    }
    tx.execute(insert(Grant).values(values))
    return values["id"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def register(hub: Hub) -> dict[str, uuid.UUID]:
    """One type that scjg was granted for, one that it was not, one that nobody shares; licences in several states."""
    with hub.engine.begin() as tx:
        for code, sharing in ((TYPE, "conditional"), (OWN_TYPE, "conditional"), (CLOSED, "none")):
            said = {"name": f"示例证照{code[-1]}", "provider": "xzsp", "sharing": sharing, "active": True}
            said |= {"sharing_conditions": "依职责", "sharing_basis": "法律规定不予共享"}
            add_licence_type(tx, code, said, actor="user:test")
        granted(tx, TYPE)
        return {
            "valid": licence(tx, hub, "GX001", COMPANY),
            "person": licence(tx, hub, "GX002", PERSON),
            "over": licence(
                tx, hub, "GX003", COMPANY,
                valid_from=TODAY - timedelta(days=400), valid_to=TODAY - timedelta(days=1),
            ),
            "frozen": licence(tx, hub, "GX004", COMPANY, status="02"),
            "not_granted": licence(tx, hub, "GX005", COMPANY, type_code=OWN_TYPE),
            "closed": licence(tx, hub, "GX006", COMPANY, type_code=CLOSED),
        }  # fmt: skip


def token(hub: Hub, **other: Any) -> str:
    now = int(time.time())
    claims = {"aud": "/990101/hub", "sub": "licences", "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60}
    return sign_token(hub.signers["scjg"], {**claims, **other})


def ask(hub: Hub, api: str, data: Any, *, signed: str | None = None, **envelope: Any) -> tuple[int, int, Any]:
    """HTTP status, status in the head, and the data."""
    body = {"accessId": "scjg", "accessToken": signed or token(hub), "data": data, **envelope}
    answer = hub.app.test_client().post(f"/api/licences/v1/{api}", json=body)
    said = answer.get_json()
    return answer.status_code, said["head"]["status"], said["data"] or said["head"]["message"]


def by(serial: str, type_code: str = TYPE, **other: Any) -> dict[str, Any]:
    identifier = licence_identifier(type_code, "11370100MB00000194", serial)
    return {"certIdentifier": identifier, "useCause": "日常监管核查", **other}


def last_call(hub: Hub) -> Any:
    with hub.engine.connect() as tx:
        return tx.execute(
            text("SELECT * FROM ledger WHERE action LIKE 'licence.share%' ORDER BY id DESC LIMIT 1")
        ).one()


def test_a_licence_by_its_identifier(hub: Hub, register: dict[str, uuid.UUID]) -> None:
    """The national names, the type's own fields, numbers masked; who asked and what for is in the ledger."""
    http, status, data = ask(hub, "query-by-identifier", by("GX001"))
    assert (http, status) == (200, 0)
    assert data["certificateNumber"] == "GX001"
    assert data["certificateHolder"] == [COMPANY.name]
    assert data["status"] == "01"
    assert data["extendInfo"]["address"] == "示范县示例路 1 号"
    assert data["extendInfo"]["manager"] == "990101********0019"
    row = last_call(hub)
    assert (row.actor, row.action, row.reason) == ("department:scjg", "licence.shared", "日常监管核查")
    assert row.subject == f"licence:{register['valid']}"


@pytest.mark.parametrize("serial", ["GX003", "GX004"])
def test_of_a_licence_that_is_not_valid_only_its_state_is_told(
    hub: Hub, register: dict[str, uuid.UUID], serial: str
) -> None:
    """Run out (before any scheduler came round) or frozen: the state, and not the content."""
    http, status, data = ask(hub, "query-by-identifier", by(serial))
    assert (http, status) == (200, 0)
    assert data["status"] == {"GX003": "05", "GX004": "02"}[serial]
    assert "extendInfo" not in data
    assert "certificateHolder" not in data


def test_by_holder_only_what_is_valid(hub: Hub, register: dict[str, uuid.UUID]) -> None:
    """Of three licences of a company only the valid one; of nobody known, none; a person's number comes back masked."""
    said = {"holderCode": COMPANY.code, "holderTypeCode": "001", "certTypeCode": TYPE, "useCause": "核查"}
    _, status, data = ask(hub, "query-by-holder", said)
    assert (status, [one["certificateNumber"] for one in data["licences"]]) == (0, ["GX001"])
    _, status, data = ask(hub, "query-by-holder", {**said, "holderCode": "91370102MA3C0002X7"})
    assert (status, data["total"]) == (0, 0)
    person = {**said, "holderCode": PERSON.code, "holderTypeCode": "111"}
    _, status, data = ask(hub, "query-by-holder", person)
    assert data["licences"][0]["certificateHolderCode"] == ["990101********0019"]
    assert last_call(hub).subject == f"licence_type:{TYPE}"


@pytest.mark.parametrize(
    ("api", "data", "http", "status", "sentence"),
    [
        ("query-by-identifier", by("GX001", useCause=""), 422, 901, "用途"),
        ("query-by-identifier", by("GX001", useCause="核" * 201), 422, 901, "用途"),
        ("query-by-identifier", {"useCause": "核查"}, 422, 901, "certIdentifier"),
        ("query-by-identifier", by("GX001", certIdentifier=7), 422, 901, "字符串"),
        ("query-by-identifier", by("NONE"), 404, 902, "没有证照标识"),
        ("query-by-identifier", by("GX005", OWN_TYPE), 403, 100, "共享授权"),
        ("query-by-identifier", by("GX006", CLOSED), 403, 100, "不予共享"),
        ("query-by-holder", {"useCause": "核查", "holderTypeCode": "777"}, 422, 103, "GB/T 36903|不符合规范"),
        ("query-by-nothing", by("GX001"), 404, 902, "接口"),
        ("query-by-qr", {"useCause": "核查", "qrCode": "AAAA"}, 404, 902, "二维码"),
        ("download-address", by("GX001", expiryTime="1"), 422, 901, "expiryTime"),
        ("download-address", by("GX001", expiryTime=99999), 422, 901, "expiryTime"),
        ("download-address", by("GX001", format="exe"), 422, 901, "format"),
        ("download-address", by("GX004"), 409, 903, "暂扣"),
        ("download-address", by("GX001"), 404, 902, "没有证照文件"),
        ("check-fields", by("GX001"), 422, 901, "fields"),
        ("check-fields", by("GX001", fields={str(n): "x" for n in range(101)}), 422, 901, "fields"),
        ("check-file", {"useCause": "核查", "fileContent": "***"}, 422, 901, "Base64"),
        ("query-by-identifier", ["not", "an", "object"], 422, 901, "data"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_answered_says_why(
    hub: Hub, register: dict[str, uuid.UUID], api: str, data: Any, http: int, status: int, sentence: str
) -> None:
    """A code, a sentence, the right HTTP status; what was refused to a known caller is in the ledger with its cause."""
    got = ask(hub, api, data)
    assert got[:2] == (http, status), got
    assert any(part in got[2] for part in sentence.split("|")), got[2]
    if api != "query-by-nothing":
        row = last_call(hub)
        assert (row.action, row.detail["result"]) == ("licence.share_refused", status)


def test_who_calls_is_proved_each_time(hub: Hub, register: dict[str, uuid.UUID]) -> None:
    """A token used twice, of a stranger, for something else, of another department: 11, and nothing is told."""
    once = token(hub)
    assert ask(hub, "query-by-identifier", by("GX001"), signed=once)[1] == 0
    stranger = Signer.from_pem("scjg", generate_private_key())
    now = int(time.time())
    claims = {"aud": "/990101/hub", "sub": "licences", "jti": "x" * 12, "iat": now, "exp": now + 60}
    for signed in (
        once,
        sign_token(stranger, claims),
        token(hub, sub="materials"),
        token(hub, jti="short"),
        token(hub, aud="/990101/other"),
        token(hub, iat=now - 600, exp=now - 500),
        once[:-4] + "AAAA",
        "nonsense",
        "",
    ):
        http, status, said = ask(hub, "query-by-identifier", by("GX001"), signed=signed or " ")
        assert (http, status) == (401, 11), said
    http, status, _ = ask(hub, "query-by-identifier", by("GX001"), accessId="zhzf")
    assert (http, status) == (401, 11)


def test_fields_are_compared_without_being_given_away(hub: Hub, register: dict[str, uuid.UUID]) -> None:
    """Same, different, unknown; dates in any spelling; a number by its hash; the true value never appears."""
    fields = {
        "certificateNumber": "GX001",
        "issueDate": f"{TODAY:%Y%m%d}",
        "certificateValidateStart": f"{TODAY:%Y/%m/%d}",
        "certificateHolder": "别人",
        "certificateHolderCode": "91370102ma3c00011f",
        "address": "示范县示例路 1 号",
        "manager": "990101199001010019",
        "nothing": "x",
    }
    _, status, data = ask(hub, "check-fields", by("GX001", fields=fields))
    assert status == 0
    assert data["same"] is False
    assert data["fields"] == {
        **dict.fromkeys(fields, "same"),
        "certificateHolder": "different",
        "nothing": "unknown",
    }
    assert COMPANY.name not in str(data)
    _, _, data = ask(hub, "check-fields", by("GX001", fields={"manager": "990101199001010027"}))
    assert data["fields"] == {"manager": "different"}


def test_a_grant_may_be_for_some_items_fields_and_days_only(hub: Hub, register: dict[str, uuid.UUID]) -> None:
    """Outside its items or its days it does not count; outside its fields nothing is told or compared."""
    at = hub.desk.clock()
    with hub.engine.connect() as tx:
        grant = granted(tx, OWN_TYPE, item_codes=["XK-001"], fields=["address"])
        call = call_of("scjg", {"useCause": "核查", "itemCode": "XK-001"}, at)
        assert access(tx, call, OWN_TYPE, issued_by="xzsp").fields == ("address",)
        other = call_of("scjg", {"useCause": "核查", "itemCode": "XK-002"}, at)
        with pytest.raises(Exception, match="XK-001"):
            access(tx, other, OWN_TYPE, issued_by="xzsp")
        yesterday = at.astimezone(LOCAL).date() - timedelta(days=1)
        tx.execute(update(Grant).where(Grant.id == grant).values(period_to=yesterday))
        with pytest.raises(Exception, match="共享授权"):
            access(tx, call, OWN_TYPE, issued_by="xzsp")
        own = call_of("xzsp", {"useCause": "核查"}, at)
        assert access(tx, own, CLOSED, issued_by="xzsp").fields == ()
        tx.rollback()


def test_a_body_that_is_no_envelope_is_refused(hub: Hub) -> None:
    """Not JSON, a list, nothing: a sentence."""
    for body in (b"", b"[]", b"{", b"\xff\xfe"):
        answer = hub.app.test_client().post(
            "/api/licences/v1/query-by-identifier", data=body, content_type="application/json"
        )
        assert (answer.status_code, answer.get_json()["head"]["status"]) == (422, 901)


@pytest.fixture(scope="module")
def issued(hub: Hub) -> tuple[uuid.UUID, str]:
    """A licence made and signed here, of a type that scjg was granted for; and its identifier."""
    licences.prepare(hub)
    licence_id = licences.issued(hub)
    with hub.engine.begin() as tx:
        granted(tx, licences.TYPE)
        identifier = tx.execute(
            text("SELECT identifier FROM licences WHERE id = :id"), {"id": licence_id}
        ).scalar_one()
    return licence_id, identifier


def fetched(hub: Hub, address: str) -> Any:
    return hub.app.test_client().get(urlsplit(address).path)


@pytest.mark.parametrize("form", ["pdf", "png"])
def test_a_file_leaves_only_as_a_copy_that_is_known_again(
    hub: Hub, issued: tuple[uuid.UUID, str], form: str
) -> None:
    """The temporary address gives a copy with other bytes than the original; each fetch is on the record; whoever checks
    the copy learns that it is ours, what for, and until when."""
    said = {"certIdentifier": issued[1], "useCause": "现场检查核对", "format": form, "remark": "专项检查"}
    _, status, data = ask(hub, "annotate", said)
    assert status == 0, data
    assert data["certificateCopyCause"] == "现场检查核对"
    for _ in range(2):
        answer = fetched(hub, data["fileUrl"])
        assert answer.status_code == 200, answer.get_data(as_text=True)
        content = answer.get_data()
        assert content.startswith(b"%PDF" if form == "pdf" else b"\x89PNG")
        coded = base64.b64encode(content).decode()
        _, status, checked = ask(hub, "check-file", {"useCause": "核对", "fileContent": coded})
        assert (status, checked["outcome"], checked["form"]) == (0, "valid", "copy")
        assert "现场检查核对" in checked["certificateCopyCause"]
    with hub.engine.connect() as tx:
        copy = tx.execute(
            text("SELECT sum(reads) FROM licence_copies WHERE format = :f"), {"f": form}
        ).scalar_one()
        rows = tx.execute(
            text("SELECT count(*) FROM ledger WHERE action = 'licence.copy_fetched'")
        ).scalar_one()
        original = (
            tx.execute(text("SELECT sha256 FROM licence_documents WHERE format = 'pdf'")).scalars().all()
        )
    assert copy >= 2
    assert rows >= 2
    assert hashlib.sha256(content).digest() not in original


def test_an_address_that_was_altered_or_is_over_gives_nothing(
    hub: Hub, issued: tuple[uuid.UUID, str]
) -> None:
    """Not to be guessed, and it ends by the clock."""
    _, _, data = ask(
        hub, "download-address", {"certIdentifier": issued[1], "useCause": "核对", "expiryTime": 1}
    )
    address = data["fileUrl"]
    altered = address[:-1] + ("A" if address[-1] != "A" else "B")
    assert fetched(hub, altered).status_code == 404
    with hub.engine.begin() as tx:
        tx.execute(
            text("UPDATE licence_copies SET expires_at = now() - interval '1 second' WHERE sha256 IS NULL")
        )
    assert fetched(hub, address).status_code == 404


def test_a_qr_code_names_its_licence(hub: Hub, issued: tuple[uuid.UUID, str]) -> None:
    """The whole address or its last part."""
    word = hub.app.extensions["shenguan"].config.tokens.make(issued[0])
    for code in (word, f"http://hub.invalid/v/{word}", f"http://hub.invalid/v/{word}/"):
        _, status, data = ask(hub, "query-by-qr", {"useCause": "核对", "qrCode": code})
        assert (status, data["certificateIdentifier"]) == (0, issued[1])


def test_a_forged_file_is_told_as_such(hub: Hub, issued: tuple[uuid.UUID, str]) -> None:
    """One changed byte of a copy, and a file of somebody else's."""
    _, _, data = ask(hub, "annotate", {"certIdentifier": issued[1], "useCause": "核对"})
    content = bytearray(fetched(hub, data["fileUrl"]).get_data())
    content[len(content) // 3] ^= 1
    for forged in (bytes(content), b"%PDF-1.4\n%%EOF\n", b"nothing of the kind"):
        coded = base64.b64encode(forged).decode()
        _, status, checked = ask(hub, "check-file", {"useCause": "核对", "fileContent": coded})
        assert status == 0
        assert checked["genuine"] is False
        assert checked["outcome"] in ("altered", "unsigned", "unreadable")
