"""Status lists: what a foreign reader finds in them is what the database says; our own reader refuses what it must."""

from __future__ import annotations

import base64
import json
import random
import warnings
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwk, jws
from sqlalchemy import Engine, text

from hub.licensing.checking.check_licence import standing
from hub.licensing.checking.make_status_lists import (
    LIFE,
    MEANINGS,
    PLACES,
    TYP,
    refresh_status_lists,
    status_entry,
)
from hub.ports import Desk
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.licences.status_list import BadList, BadSignature, place_of, read_status_list
from storage.signing import Algorithm, Signer, TrustedKey, TrustedKeys, generate_private_key

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
URL = "https://hub.invalid"
SIGNER = Signer.from_pem("hub", generate_private_key())
KEYS = TrustedKeys.of([TrustedKey(SIGNER.kid, "hub", SIGNER.public_pem)])


def desk(signer: Signer = SIGNER) -> Desk:
    vault = IdentityVault(bytes(32), KeyEncryption(bytes(32)))
    return Desk("990101", URL, signer, vault, lambda: NOW)


_LICENCES = """
INSERT INTO licences (id, identifier, party_id, name, number, type_code, issuer_code, issuer_name, issued_on,
  valid_from, valid_to, status, status_note, status_index)
SELECT gen_random_uuid(), 'x.' || i, (SELECT id FROM parties), '食品经营许可证', 'n' || i, 't', 'i', '局',
  '2026-01-01', '2026-01-01', NULL, '01', NULL, :first + i
FROM generate_series(0, :count - 1) i
"""


def make(engine: Engine, count: int, *, first: int = 0) -> None:
    with engine.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO parties (id, kind, name, code_type, code_digest) "
                "VALUES (gen_random_uuid(), 'legal', '测试店', '001', 'd') ON CONFLICT DO NOTHING"
            )
        )
        tx.execute(text(_LICENCES), {"count": count, "first": first})


def change(engine: Engine, statement: str, **values: Any) -> None:
    """Past the triggers, which are tested elsewhere."""
    with engine.begin() as tx:
        tx.execute(text("ALTER TABLE licences DISABLE TRIGGER USER"))
        tx.execute(text(statement), values)
        tx.execute(text("ALTER TABLE licences ENABLE TRIGGER USER"))


def refresh(engine: Engine, *, now: datetime = NOW, signer: Signer = SIGNER) -> int:
    with engine.begin() as tx:
        return refresh_status_lists(tx, desk(signer), now=now)


def token(engine: Engine, number: int = 0) -> str:
    with engine.connect() as tx:
        found: str = tx.scalar(text("SELECT token FROM status_lists WHERE number = :n"), {"n": number})
    return found


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_read_by_a_foreign_library(engine: Engine, algorithm: Algorithm) -> None:
    """joserfc and zlib alone find every licence's status, as the specification describes it."""
    signer = Signer.from_pem("hub", generate_private_key(algorithm))
    make(engine, 40)
    for place, status in ((3, "02"), (7, "03"), (8, "04"), (9, "05"), (10, "06"), (11, "07"), (12, "99")):
        change(
            engine,
            "UPDATE licences SET status = :s, status_note = '其他' WHERE status_index = :i",
            s=status,
            i=place,
        )
    change(engine, "UPDATE licences SET valid_to = '2026-11-21' WHERE status_index IN (3, 20)")
    change(engine, "UPDATE licences SET valid_to = '2026-11-22' WHERE status_index = 21")
    assert refresh(engine, signer=signer) == 1
    kind = "OKP" if algorithm == "EdDSA" else "EC"
    key = jwk.import_key(signer.public_pem, kind)
    with warnings.catch_warnings(action="ignore"):  # it would have Ed25519 called by its newer name
        found = jws.deserialize_compact(token(engine), key, algorithms=["EdDSA", "ES256"])
    assert found.headers()["typ"] == "statuslist+jwt"
    claims = json.loads(found.payload or b"")
    assert claims["sub"] == f"{URL}/status-lists/0"
    assert claims["exp"] - claims["iat"] == LIFE.total_seconds()
    assert claims["ttl"] == 60
    lst = claims["status_list"]["lst"]
    packed = zlib.decompress(base64.urlsafe_b64decode(lst + "=" * (-len(lst) % 4)))
    assert claims["status_list"]["bits"] == 4
    assert len(packed) * 2 == PLACES
    values = {i: (packed[i // 2] >> (4 * (i % 2))) & 15 for i in range(40)}
    ended = {3: 14, 7: 12, 8: 13, 9: 14, 10: 1, 11: 15, 12: 1, 20: 14}
    assert values == {i: ended.get(i, 0) for i in range(40)}


def test_lists_and_pages_say_the_same(engine: Engine) -> None:
    """Whatever status, dates and next version a licence has: its list and its page agree, but for the future."""
    chance = random.Random(4)
    make(engine, 300)
    for place in range(300):
        change(
            engine,
            "UPDATE licences SET status = :status, status_note = 'x', valid_to = :valid_to, "
            "previous_id = CASE WHEN :next THEN (SELECT id FROM licences WHERE status_index = :before) END "
            "WHERE status_index = :place",
            status=chance.choice(["01", "01", "02", "03", "04", "05", "06", "07", "99"]),
            valid_to=chance.choice([None, date(2026, 11, 21), date(2026, 11, 22), date(2027, 1, 1)]),
            next=place > 0 and chance.random() < 0.3,
            before=place - 1,
            place=place,
        )
    refresh(engine)
    read = read_status_list(token(engine), KEYS, at=NOW)
    with engine.connect() as tx:
        rows = tx.execute(
            text(
                "SELECT *, EXISTS (SELECT 1 FROM licences n WHERE n.previous_id = l.id) AS replaced FROM licences l"
            )
        ).all()
    assert len(rows) == 300
    seen = set()
    for row in rows:
        outcome = standing(row, NOW)[0]
        seen.add(outcome)
        expected = "other" if outcome == "transferred" else outcome
        assert MEANINGS[read.value(row.status_index)][0] == expected
    assert seen >= {"valid", "suspended", "superseded", "expired", "withdrawn", "revoked", "transferred"}


def test_signed_again_only_when_it_must(engine: Engine) -> None:
    """An unchanged list keeps its signature until half of its life is over; a change is signed at once."""
    make(engine, 3)
    assert refresh(engine) == 1
    first = token(engine)
    assert refresh(engine, now=NOW + timedelta(minutes=1)) == 0
    assert refresh(engine, now=NOW + LIFE / 2 - timedelta(seconds=1)) == 0
    assert token(engine) == first
    assert refresh(engine, now=NOW + LIFE / 2) == 1
    change(engine, "UPDATE licences SET status = '02' WHERE status_index = 1")
    assert refresh(engine, now=NOW + LIFE / 2 + timedelta(minutes=1)) == 1
    assert read_status_list(token(engine), KEYS, at=NOW + LIFE / 2 + timedelta(minutes=2)).value(1) == 2


def test_several_lists_and_none(engine: Engine) -> None:
    """There is a first list before there is a licence; the place after a million begins the second."""
    assert refresh(engine) == 1
    make(engine, 2, first=PLACES - 1)
    change(engine, "UPDATE licences SET status = '07' WHERE status_index = :i", i=PLACES)
    assert refresh(engine, now=NOW + timedelta(minutes=1)) == 1  # the first did not change
    soon = NOW + timedelta(minutes=2)
    read = read_status_list(token(engine, 1), KEYS, at=soon, address=f"{URL}/status-lists/1")
    assert read.value(0) == 15
    with pytest.raises(BadList, match="不是证照所指"):
        read_status_list(token(engine, 1), KEYS, at=soon, address=f"{URL}/status-lists/0")
    with pytest.raises(BadList, match="没有第"):
        read.value(PLACES)
    with pytest.raises(BadList, match="没有第"):
        read.value(-1)


def test_a_licence_names_its_place() -> None:
    """What the metadata say is what the reader finds; nonsense is no place."""
    assert place_of(status_entry(PLACES + 5, URL)) == (5, f"{URL}/status-lists/1")
    for bad in (
        {},
        {"status": "01"},
        {"status_list": 3},
        {"status_list": {"idx": True, "uri": ""}},
        {"status_list": {"idx": -1, "uri": "x"}},
    ):
        assert place_of(bad) is None


def signed(claims: Any, *, typ: str = TYP, signer: Signer = SIGNER) -> str:
    return signer.sign_attached(json.dumps(claims).encode(), typ=typ)


def claims(data: bytes, **changes: Any) -> dict[str, Any]:
    lst = base64.urlsafe_b64encode(zlib.compress(data)).rstrip(b"=").decode()
    issued = int(NOW.timestamp())
    return {
        "sub": "s",
        "iat": issued,
        "exp": issued + 3600,
        "status_list": {"bits": 4, "lst": lst},
    } | changes


def test_forged_stale_and_mistaken_lists_are_refused() -> None:
    """Another's key, one flipped letter, another use, an old one, one from the future."""
    good = signed(claims(b"\x20"))
    assert read_status_list(good, KEYS, at=NOW).value(1) == 2
    stranger = Signer.from_pem("hub", generate_private_key())
    flipped = good[:-5] + ("A" if good[-5] != "A" else "B") + good[-4:]
    bad = [
        signed(claims(b"\0"), signer=stranger),
        flipped,
        signed(claims(b"\0"), typ="JWT"),
        signed(claims(b"\0", exp=int(NOW.timestamp()) - 60)),
        signed(claims(b"\0", iat=int(NOW.timestamp()) + 600)),
        "",
        "a.b.c",
        "x" * (17 << 20),
    ]
    for one in bad:
        with pytest.raises(BadSignature):
            read_status_list(one, KEYS, at=NOW)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        claims(b"\0", status_list={"bits": 3, "lst": "eA"}),
        claims(b"\0", status_list={"bits": True, "lst": "eA"}),
        claims(b"\0", status_list={"bits": 4, "lst": "!!"}),
        claims(b"\0", status_list={"bits": 4, "lst": "AAAA"}),
        claims(b"\0", iat="now"),
        claims(bytes(9 << 20)),  # a few kilobytes that would unpack to nine megabytes
    ],
    ids=range(8),
)
def test_malformed_lists_are_refused(body: Any) -> None:
    """Signed nonsense is nonsense; a bomb is not unpacked."""
    with pytest.raises(BadList):
        read_status_list(signed(body), KEYS, at=NOW)


def test_a_list_is_no_message_and_no_token() -> None:
    """Its signature passes neither for a message nor for an access token, and theirs not for a list."""
    payload = json.dumps(claims(b"\0")).encode()
    listed = SIGNER.sign_attached(payload, typ=TYP)
    head, _, sig = listed.split(".")
    with pytest.raises(BadSignature, match="用途"):
        KEYS.verify(payload, f"{head}..{sig}", at=NOW)
    with pytest.raises(BadSignature, match="用途"):
        KEYS.verify_attached(listed, at=NOW)
    head, _, sig = SIGNER.sign(payload).split(".")
    with pytest.raises(BadSignature, match="用途"):
        read_status_list(f"{head}.{listed.split('.')[1]}.{sig}", KEYS, at=NOW)
