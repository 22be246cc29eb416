"""Receiving and sending over REST: what waits for the department, what it has signed for, and what it has to say.

Guarantees: a message leaves with the exact bytes that the hub signed; what comes in is judged and taken exactly as from a
topic, each message with its own answer, and what is refused stands in the quarantine.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, jsonify, request

from admin.premises import here
from admin.rest.door import bp, caller
from admin.trusted import keys
from hub.department import topic_in
from hub.errors import Rejected
from hub.exchange import pull
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.take_safely import take_safely
from hub.pushing.package import instant
from storage.judging import Brought, Judge

LONGEST_WAIT = 25
LOOK_EVERY_S = 0.25
MOST_AT_ONCE = 200
MOST_BYTES = 12 << 20
RAW = "application/cloudevents+json"
_WAITING = threading.BoundedSemaphore(24)  # threads that may stand and wait; the others are answered at once


@bp.get("/messages")
def receive() -> Response:
    """What comes after a cursor; the same question again is answered 304 while nothing has come."""
    topic = topic_in(here().config.desk.area, caller())
    after, limit = request.args.get("after") or None, _number("limit", 100, pull.MOST)
    unsigned = request.args.get("unsigned", "") in ("true", "1")
    page = _waited(topic, after, limit, unsigned=unsigned, wait=_number("wait", 0, LONGEST_WAIT))
    answer = jsonify(messages=[_told(one) for one in page.found], next=str(page.next), more=page.more)
    return _conditional(answer, str(page.next), page.more, *(one.event_id for one in page.found))


@bp.get("/place")
def place() -> Response:
    """The ids of what the department has signed for, in order: what a new connector need not take again."""
    topic = topic_in(here().config.desk.area, caller())
    with here().engine.connect() as tx:
        page = pull.signed_for(
            tx, topic, request.args.get("after"), limit=_number("limit", pull.MOST, pull.MOST)
        )
    signed = [
        {
            "event_id": str(one.event_id),
            "type": one.event_type,
            "key": one.key,
            "signed_at": instant(one.signed_at),
        }
        for one in page.found
    ]
    answer = jsonify(signed=signed, next=str(page.next), more=page.more)
    return _conditional(answer, str(page.next), page.more, *(one.event_id for one in page.found))


@bp.post("/messages")
def send() -> Response:
    """One message or several, each answered: taken, duplicate, or refused with what is wrong and what would be right."""
    request.max_content_length = MOST_BYTES
    department = caller()
    brought, desk = _brought(department), here().config.desk
    with here().engine.connect() as tx:
        judge = Judge(desk.area, keys(tx))
    arrived, refused = judge.sort(brought, desk.clock())
    taken = take_safely(here().engine, arrived, refused, desk)
    answer = jsonify(results=_results(brought, arrived, taken.fresh, taken.refused))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _waited(
    topic: str, after: str | None, limit: int, *, unsigned: bool, wait: int
) -> pull.Page[pull.Pulled]:
    """The page, at once or as soon as there is something on it. No connection is held while nothing happens."""

    def look() -> pull.Page[pull.Pulled]:
        with here().engine.connect() as tx:
            return pull.messages(tx, topic, after, limit=limit, unsigned=unsigned)

    page = look()
    if page.found or page.more or not wait or not _WAITING.acquire(blocking=False):
        return page
    try:
        until = time.monotonic() + wait
        while not page.found and not page.more and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)
            page = look()
    finally:
        _WAITING.release()
    return page


def _conditional(answer: Response, *parts: object) -> Response:
    answer.set_etag(hashlib.sha256(repr(parts).encode()).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


def _told(one: pull.Pulled) -> dict[str, Any]:
    return {
        "event_id": str(one.event_id),
        "type": one.event_type,
        "key": one.key,
        "value": base64.b64encode(one.value).decode(),
        "signature": one.signature,
        "kid": one.kid,
        "sha256": hashlib.sha256(one.value).hexdigest(),
        "created_at": instant(one.created_at),
    }


def _number(name: str, default: int, most: int) -> int:
    said = request.args.get(name)
    if said is None or said == "":
        return default
    if not said.isascii() or not said.isdigit() or int(said) > most:
        raise Rejected(f"{name} 应为不大于 {most} 的整数。")
    return int(said)


def _brought(department: str) -> list[Brought]:
    """The messages of the request, in the order given."""
    if request.mimetype == RAW:
        return [Brought("rest", department, request.get_data(cache=False), request.headers.get("Signature"))]
    said = request.get_json(silent=True)
    listed = said.get("messages", [said]) if isinstance(said, Mapping) else None
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_AT_ONCE:
        raise Rejected(
            f'请求体应为 {{"messages": [{{"value", "signature"}}]}}，1 到 {MOST_AT_ONCE} 条；或以 {RAW} 直接提交一条。'
        )
    return [_one(department, number, one) for number, one in enumerate(listed, 1)]


def _one(department: str, number: int, said: Any) -> Brought:
    value = said.get("value") if isinstance(said, Mapping) else None
    signature = said.get("signature") if isinstance(said, Mapping) else None
    if not isinstance(value, str) or not isinstance(signature, str | None):
        raise Rejected(f"第 {number} 条应有 value（原始字节的 Base64）和 signature（文字）。")
    try:
        return Brought("rest", department, base64.b64decode(value, validate=True), signature)
    except (binascii.Error, ValueError):
        raise Rejected(f"第 {number} 条的 value 不是 Base64。") from None


def _results(
    brought: Sequence[Brought],
    arrived: Sequence[Arrived],
    fresh: Sequence[Arrived],
    refused: Sequence[Refused],
) -> list[dict[str, Any]]:
    """An answer for each, in the order of the request; of the same one twice the second is the duplicate."""
    ids = {one.value: str(one.event["id"]) for one in arrived}
    taken = {one.value for one in fresh}
    against = {one.sha256: one for one in refused}
    results: list[dict[str, Any]] = []
    for one in brought:
        sha256 = hashlib.sha256(one.value).digest()
        result: dict[str, Any] = {
            "outcome": "duplicate",
            "event_id": ids.get(one.value),
            "sha256": sha256.hex(),
        }
        if (why := against.get(sha256)) is not None:
            result |= {
                "outcome": "refused",
                "event_id": why.event_id,
                "cause": why.cause,
                "message": why.message,
                "expected": why.expected,
            }
        elif one.value in taken:
            taken.remove(one.value)
            result["outcome"] = "taken"
        results.append(result)
    return results
