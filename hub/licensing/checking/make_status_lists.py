"""Make status lists: how every licence stands, in signed lists by which anybody checks off-line.

Follows the IETF Token Status List (JWT, four bits a licence, zlib, base64url); the meaning of the values is MEANINGS.
Guarantees: a list says what the database says at `now`, a licence that ran out as expired even before the scheduler has
been there; a place nobody has yet reads 0, like every newly issued licence; a list that did not change is signed again
only when half of its life is over. Whole lists are of one size, so they do not tell how many licences there are.
One statement, however many licences; only those that do not stand as valid leave the database.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from array import array
from collections.abc import Mapping
from datetime import datetime, timedelta
from sys import byteorder

from sqlalchemy import Connection, select, text

from hub.licensing.checking.status_list import StatusList
from hub.licensing.licence import (
    CANCELLED,
    EXPIRED,
    FROZEN,
    OTHER,
    REVOKED,
    TRANSFERRED,
    WITHDRAWN,
)
from hub.ports import Desk
from hub.round_trips import tell
from hub.workday import LOCAL
from schemas import dumps

PLACES_BITS = 20
PLACES = 1 << PLACES_BITS  # of one list
BITS = 4
TYP = "statuslist+jwt"
LIFE = timedelta(hours=24)  # of one signature
TTL = 60  # seconds for which a copy may be kept before asking again
SUPERSEDED = 3
#: licences.status -> value. 0, 1 and 2 mean what the specification says, the rest is ours to define there.
VALUES: Mapping[str, int] = {
    FROZEN: 2,
    WITHDRAWN: 12,
    CANCELLED: 13,
    EXPIRED: 14,
    REVOKED: 15,
    TRANSFERRED: 1,
    OTHER: 1,
}
#: value -> (outcome as hub.licensing.checking.check_licence has it, 中文)
MEANINGS: Mapping[int, tuple[str, str]] = {
    0: ("valid", "有效"),
    1: ("other", "无效（已转出或其他原因停用）"),
    2: ("suspended", "暂扣"),
    SUPERSEDED: ("superseded", "已被新版替代"),
    12: ("withdrawn", "撤销"),
    13: ("cancelled", "注销"),
    14: ("expired", "失效（含到期）"),
    15: ("revoked", "吊销"),
}
_CASES = " ".join(f"WHEN '{status}' THEN {value}" for status, value in VALUES.items())
_NOT_VALID = f"""
SELECT list, value, string_agg(int4send(place), ''::bytea)
FROM (
  SELECT (l.status_index >> {PLACES_BITS})::int AS list, (l.status_index & {PLACES - 1})::int AS place,
    CASE
      WHEN l.status = '{EXPIRED}' AND EXISTS (SELECT 1 FROM licences n WHERE n.previous_id = l.id) THEN {SUPERSEDED}
      WHEN l.valid_to < :today AND l.status IN ('01', '{FROZEN}') THEN {VALUES[EXPIRED]}
      ELSE CASE l.status {_CASES} END
    END AS value
  FROM licences l
  WHERE l.status_index IS NOT NULL AND (l.status <> '01' OR l.valid_to < :today)
) ended
GROUP BY list, value
"""  # noqa: S608 - our own words
_KEEP = """
INSERT INTO status_lists (number, token, digest, made_at)
VALUES (%(number)s, %(token)s, %(digest)s, %(made_at)s)
ON CONFLICT (number) DO UPDATE SET token = excluded.token, digest = excluded.digest, made_at = excluded.made_at
WHERE status_lists.made_at <= excluded.made_at
"""


def status_entry(index: int, public_url: str) -> dict[str, object]:
    """What a licence's metadata say of its place. (The specification puts it in a claim `status`, which is GB/T 36903's
    name for something else; so it stands beside that.)"""
    uri = address(public_url, index >> PLACES_BITS)
    return {"status_list": {"idx": index & (PLACES - 1), "uri": uri}}


def address(public_url: str, number: int) -> str:
    """Where a list is served."""
    return f"{public_url}/status-lists/{number}"


def refresh_status_lists(tx: Connection, desk: Desk, *, now: datetime) -> int:
    """Bring every list up to date. Gives how many were written."""
    today = now.astimezone(LOCAL).date()
    last = tx.scalar(text("SELECT max(status_index) FROM licences")) or 0
    lists = {number: bytearray(PLACES * BITS // 8) for number in range((last >> PLACES_BITS) + 1)}
    for number, value, places in tx.execute(text(_NOT_VALID), {"today": today}):
        _set(lists[number], value, places)
    there = select(StatusList.number, StatusList.digest, StatusList.made_at)
    known = {row.number: row for row in tx.execute(there)}
    written = []
    for number, packed in lists.items():
        digest, before = hashlib.sha256(packed).digest(), known.get(number)
        if before is not None and before.digest == digest and now - before.made_at < LIFE / 2:
            continue
        token = _signed(desk, number, packed, now)
        written.append((_KEEP, {"number": number, "token": token, "digest": digest, "made_at": now}))
    if written:
        tell(tx, *written)
    return len(written)


def _set(packed: bytearray, value: int, places: bytes) -> None:
    """Write a value at places, given as big-endian integers. Of two in a byte the first is the lower half."""
    where = array("I", places)
    if byteorder == "little":
        where.byteswap()
    halves = (value, value << BITS)
    for place in where:
        packed[place >> 1] |= halves[place & 1]


def _signed(desk: Desk, number: int, packed: bytearray, now: datetime) -> str:
    issued = int(now.timestamp())
    listed = base64.urlsafe_b64encode(zlib.compress(packed, 9)).rstrip(b"=").decode()
    claims = {
        "sub": address(desk.public_url, number),
        "iat": issued,
        "exp": issued + int(LIFE.total_seconds()),
        "ttl": TTL,
        "status_list": {"bits": BITS, "lst": listed},
    }
    return desk.signer.sign_attached(dumps(claims), typ=TYP)
