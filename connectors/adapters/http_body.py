"""What is sent to a department's HTTP system: the body of one record or several, and the headers that go with it.

Guarantees: decimal numbers are written as they are, not as binary ones; the signature is over the exact bytes sent, with the
time in it, so that whoever checks both can refuse what is old.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from connectors.adapters.port import Outgoing

KEY_HEADER = "Idempotency-Key"
EVENT_HEADER = "X-Shenguan-Event"
SIGNATURE_HEADER = "X-Shenguan-Signature"
SANDBOX_HEADER = "X-Shenguan-Sandbox"


class Unwritable(ValueError):
    """A record cannot be written in this form; the sentence says why."""


def json_bytes(value: Any) -> bytes:
    """As JSON. Raises Unwritable."""
    try:
        return orjson.dumps(value, default=_other, option=orjson.OPT_UTC_Z)
    except TypeError as error:
        raise Unwritable(f"记录中有写不成 JSON 的内容（{str(error)[:100]}）") from error


def _other(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f"))
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def form_bytes(record: Mapping[str, Any]) -> bytes:
    """As a form: nothing is an empty field, lists and objects are JSON in theirs. Raises Unwritable."""
    return urlencode([(name, _form_value(value)) for name, value in record.items()]).encode("ascii")


def _form_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Unwritable("记录中有写不出的字符") from error
        return value
    return json_bytes(value).decode()


def wrapped(value: Any, way: str) -> Any:
    """Inside the outer fields that the other side wants: 'data.records'."""
    for name in reversed([one for one in way.split(".") if one]):
        value = {name: value}
    return value


def batch_key(batch: Sequence[Outgoing]) -> str:
    """The key of one record, or of several: the same for the same ones in the same order."""
    if len(batch) == 1:
        return quote(batch[0].key, safe="!#$&'()*+,/:;=?@[]~ ")
    return hashlib.sha256("\n".join(one.key for one in batch).encode()).hexdigest()


def signature(secret: str, at: int, body: bytes) -> str:
    """'t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>", hexadecimal>'."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def signature_holds(secret: str, header: str, body: bytes, now: int, tolerance_s: int = 300) -> bool:
    """What a receiver does: the time is near, and the signature is that of these bytes."""
    parts = dict(one.strip().split("=", 1) for one in header.split(",") if "=" in one)
    written = parts.get("t", "")
    if not written.isdecimal() or abs(now - int(written)) > tolerance_s:
        return False
    expected = signature(secret, int(written), body).partition("v1=")[2]
    return hmac.compare_digest(expected.encode(), parts.get("v1", "").encode())
