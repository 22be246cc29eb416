"""The AsyncAPI 3.0 document of the border, generated from the message schemas; `python -m schemas.asyncapi` writes it.

Guarantees: `asyncapi.json` holds every message with its examples, and all its references resolve inside the document.
Does not guarantee: addresses; each area hands out its own broker and topic names (`shenguan trust-bundle`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas.messages import MAX_MESSAGE_BYTES, MESSAGE_TYPES, schema_of

PATH = Path(__file__).with_name("asyncapi.json")
CONTENT_TYPE = "application/cloudevents+json"
_FORMAT = "application/schema+json;version=draft-2020-12"
_TO_DEPARTMENT = (
    "approval.decided.v1",
    "approval.corrected.v1",
    "approval.withdrawn.v1",
    "licence.changed.v1",
    "finding.forwarded.v1",
    "advice.forwarded.v1",
    "count.asked.v1",
    "quarantined.v1",
)
_FROM_DEPARTMENT = (
    "receipt.v1",
    "supervision.planned.v1",
    "finding.reported.v1",
    "rectification.reported.v1",
    "enforcement.decided.v1",
    "credit.recorded.v1",
    "finding.withdrawn.v1",
    "material.supplied.v1",
    "advice.posted.v1",
    "count.reported.v1",
)


def document() -> dict[str, Any]:
    """The whole AsyncAPI document."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:shenguan:border",
        "info": {
            "title": "审管通 / Shenguan",
            "version": "1.0.0",
            "description": (
                "审批决定一次作出，签名后送达每个监管、执法部门；回执与监管信息签名后回到同一办件；证照状态变化送达收到过它的部门。"
                f"每条消息是一个结构化 CloudEvents 1.0 JSON（UTF-8，最大 {MAX_MESSAGE_BYTES} 字节），"
                "至少投递一次，按 id 去重。"
                " / Decisions go to departments, receipts and findings come back. Each value is one structured-mode "
                "CloudEvent; delivery is at least once, so drop duplicates by id. Unknown fields are allowed and kept."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {"in": _channel("in", _TO_DEPARTMENT), "out": _channel("out", _FROM_DEPARTMENT)},
        "operations": {
            "receive": _operation("receive", "in", _TO_DEPARTMENT, "部门接收 / the department receives"),
            "send": _operation("send", "out", _FROM_DEPARTMENT, "部门发送 / the department sends"),
        },
        "components": {
            "messages": {name: _message(name) for name in MESSAGE_TYPES},
            "schemas": {name: _payload(name) for name in MESSAGE_TYPES} | {"headers": _headers()},
            "parameters": {
                "area": {"description": "区域代码，如 990101 / area code", "examples": ["990101"]},
                "department": {"description": "部门代码，如 scjg / department code", "examples": ["scjg"]},
            },
        },
    }


def text() -> str:
    """The document as it stands in the repository."""
    return json.dumps(document(), ensure_ascii=False, indent=2) + "\n"


def _channel(direction: str, names: tuple[str, ...]) -> dict[str, Any]:
    said = {
        "in": "枢纽到部门，只有该部门可读 / hub to department; readable by that department only",
        "out": "部门到枢纽，只有该部门可写 / department to hub; writable by that department only",
    }
    return {
        "address": f"{{area}}.{{department}}.{direction}",
        "title": said[direction].split(" / ")[1],
        "description": said[direction],
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in ("area", "department")},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"bindingVersion": "0.5.0"}},
    }


def _operation(action: str, channel: str, names: tuple[str, ...], summary: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _message(name: str) -> dict[str, Any]:
    schema = schema_of(name)
    return {
        "name": name,
        "title": schema["title"],
        "description": schema["description"],
        "contentType": CONTENT_TYPE,
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "办件编号 / case number, UTF-8"},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [
            {"name": f"example{i}", "payload": example} for i, example in enumerate(schema["examples"], 1)
        ],
    }


def _payload(name: str) -> dict[str, Any]:
    """The message's schema with its inner references pointing at their place in this document."""
    schema = schema_of(name)
    schema.pop("examples")
    schema.pop("$schema")
    return {"schemaFormat": _FORMAT, "schema": _moved(schema, f"#/components/schemas/{name}/schema")}


def _moved(node: Any, root: str) -> Any:
    if isinstance(node, dict):
        return {
            key: root + value[1:] if key == "$ref" and isinstance(value, str) else _moved(value, root)
            for key, value in node.items()
        }
    return [_moved(item, root) for item in node] if isinstance(node, list) else node


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["signature", "kid", "content-type"],
        "properties": {
            "signature": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]+[.][.][A-Za-z0-9_-]+$",
                "description": (
                    "对消息值原始字节的分离式 JWS（RFC 7515 附录 F，header..signature），alg 为 EdDSA（Ed25519）或 ES256"
                    " / detached compact JWS over the exact value bytes"
                ),
            },
            "kid": {
                "type": "string",
                "pattern": "^.+-[0-9a-f]{16}$",
                "description": (
                    "签名公钥：<代码>-<公钥 SPKI DER 的 SHA-256 前 16 位十六进制>，枢纽的代码为 hub"
                    " / <code>-<first 16 hex of SHA-256 over the public key's SPKI DER>"
                ),
            },
            "content-type": {"const": "application/cloudevents+json; charset=UTF-8"},
        },
    }


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
