"""The value of a Kafka message: plain JSON, or with the schema that Kafka Connect's JsonConverter reads and writes.

    {"schema": {"type": "struct", "fields": [{"field": "code", "type": "string", "optional": true}], ...}, "payload": {...}}

Guarantees: with a schema, decimal numbers keep every digit (Connect's Decimal), lists and objects go as JSON text, every
field may be empty. Both forms are read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.adapters.http_body import Unwritable, json_bytes

DECIMAL = "org.apache.kafka.connect.data.Decimal"
_INT64 = 1 << 63
_MOST_DIGITS = 60


def value_bytes(record: Mapping[str, Any], *, with_schema: bool) -> bytes:
    """The message's value. Raises Unwritable."""
    return json_bytes(enveloped(record) if with_schema else record)


def enveloped(record: Mapping[str, Any]) -> dict[str, Any]:
    """Schema and payload. Raises Unwritable."""
    fields, payload = [], {}
    for name, value in record.items():
        kind, written = _typed(value)
        fields.append({"field": name, "optional": True, **kind})
        payload[name] = written
    return {"schema": {"type": "struct", "fields": fields, "optional": False}, "payload": payload}


def _typed(value: Any) -> tuple[dict[str, Any], Any]:
    if isinstance(value, bool):
        return {"type": "boolean"}, value
    if isinstance(value, int) and -_INT64 <= value < _INT64:
        return {"type": "int64"}, value
    if isinstance(value, int):
        return {"type": "string"}, str(value)
    if isinstance(value, float):
        return {"type": "double"}, value
    if isinstance(value, Decimal):
        scale, unscaled = _unscaled(value)
        return {"type": "bytes", "name": DECIMAL, "version": 1, "parameters": {"scale": str(scale)}}, unscaled
    if value is None or isinstance(value, str):
        return {"type": "string"}, value
    return {"type": "string"}, json_bytes(value).decode()


def _unscaled(value: Decimal) -> tuple[int, str]:
    """The digits behind the point, and all digits as a big-endian two's complement, in base64."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(value.adjusted()) > _MOST_DIGITS or -exponent > _MOST_DIGITS:
        raise Unwritable("记录中有写不出的数字")
    scale = max(-exponent, 0)
    number = int(value.scaleb(scale))
    raw = number.to_bytes((number + (number < 0)).bit_length() // 8 + 1, "big", signed=True)
    return scale, base64.b64encode(raw).decode()


def read_value(raw: bytes) -> tuple[dict[str, Any], str | None]:
    """The record of a value, and why it cannot be read."""
    if not raw:
        return {}, "消息没有内容（墓碑）。"
    try:
        value = json.loads(raw, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return {}, "消息不是有效的 UTF-8 JSON。"
    if isinstance(value, dict) and value.keys() == {"schema", "payload"}:
        return _opened(value["schema"], value["payload"])
    return (value, None) if isinstance(value, dict) else ({}, "消息不是对象（字段名到内容的对应）。")


def _no_constant(written: str) -> Any:
    raise ValueError(written)


def _opened(schema: Any, payload: Any) -> tuple[dict[str, Any], str | None]:
    if not isinstance(payload, dict):
        return {}, "消息的 payload 不是对象。"
    fields = schema.get("fields") if isinstance(schema, dict) else None
    kinds = {
        one["field"]: one
        for one in fields or ()
        if isinstance(one, dict) and isinstance(one.get("field"), str)
    }
    try:
        return {name: _read(kinds.get(name, {}), value) for name, value in payload.items()}, None
    except (ValueError, TypeError, ArithmeticError, LookupError):
        return {}, "消息的内容与它自带的结构说明不符。"


def _read(kind: Mapping[str, Any], value: Any) -> Any:
    if kind.get("name") != DECIMAL or value is None:
        return value
    scale = int(kind["parameters"]["scale"])
    if abs(scale) > _MOST_DIGITS or len(value) > 100:
        raise ValueError("scale")
    return Decimal(int.from_bytes(base64.b64decode(value, validate=True), "big", signed=True)).scaleb(-scale)
