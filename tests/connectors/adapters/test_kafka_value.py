"""The values of Kafka's messages: plain JSON, and the envelope of Kafka Connect."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.adapters.kafka_value import enveloped, read_value, value_bytes


def test_the_envelope_is_that_of_kafka_connect() -> None:
    """Claim: every kind of value has Connect's type; decimals are its Decimal, to the digit; all of it is read back."""
    written = {
        "text": "𠮷", "nothing": None, "flag": True, "count": 2**40, "huge": 2**70, "part": 0.5,
        "money": Decimal("-1234567890123456789.05"), "round": Decimal("1E+3"), "list": [1, "二"], "zero": Decimal("0.00"),
    }  # fmt: skip
    made = enveloped(written)
    kinds = {one["field"]: one["type"] for one in made["schema"]["fields"]}
    assert kinds == {
        "text": "string", "nothing": "string", "flag": "boolean", "count": "int64", "huge": "string", "part": "double",
        "money": "bytes", "round": "bytes", "list": "string", "zero": "bytes",
    }  # fmt: skip
    # 12.34 with scale 2 is 1234 = 0x04d2, as Connect's own documentation encodes it.
    assert enveloped({"a": Decimal("12.34")})["payload"] == {"a": "BNI="}
    assert enveloped({"a": Decimal("-0.01")})["payload"] == {"a": "/w=="}
    back, fault = read_value(value_bytes(written, with_schema=True))
    assert fault is None
    assert back == {**written, "huge": str(2**70), "list": '[1,"二"]', "part": Decimal("0.5")}


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[1]", b"7", b"\xff", b"[" * 100_000, b'{"a": NaN}', b'{"schema": {}, "payload": 7}',
        b'{"schema": {"fields": [{"field": "a", "name": "org.apache.kafka.connect.data.Decimal"}]}, "payload": {"a": "x"}}',
        b'{"schema": {"fields": [{"field": "a", "name": "org.apache.kafka.connect.data.Decimal", "parameters":'
        b' {"scale": "999999999"}}]}, "payload": {"a": "BNI="}}',
    ],
)  # fmt: skip
def test_what_is_no_record_is_said(raw: bytes) -> None:
    """Claim: a value that cannot be read is named as such; it never stops the reading."""
    assert read_value(raw)[1]
