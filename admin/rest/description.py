"""What the door says of itself: an OpenAPI 3.1 document, with examples that a test sends.

Guarantees: every path and method of the door is in it, and nothing else. Public, as a department reads it before it joins.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from admin.premises import here
from admin.rest.door import PREFIX, SUBJECT, bp
from admin.rest.evidence import LARGEST
from admin.rest.joining_description import paths as joining_paths
from admin.rest.joining_description import schemas as joining_schemas
from admin.rest.messages import LONGEST_WAIT, MOST_AT_ONCE, RAW
from hub.exchange.inbox import QUARANTINE_CAUSES
from hub.exchange.pull import MOST

_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_EVENT = "0195d0c2-0000-7000-8000-000000000001"
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_CURSOR = "692a1f0c3d5e7b19-1.48213.90017"


@bp.get("/openapi.json")
def openapi() -> Response:
    """The document."""
    answer = jsonify(document(here().config.desk.public_url))
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


def document(address: str) -> dict[str, Any]:
    """The same for a hub at this address."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "审管通 部门收发接口",
            "version": "1",
            "description": (
                "与消息主题（Kafka）相同的消息、密钥和规则，供不能连接消息代理的部门使用。消息内容见 schemas/events，"
                f"签名为对原始字节的分离式 JWS。访问令牌是本部门密钥签的 JWT：aud 为信任清单中的 token_audience，sub 为 "
                f"{SUBJECT}，有效期不超过 120 秒，jti 每次不同。消息至少送达一次，请按 event_id 去重。"
            ),
        },
        "servers": [{"url": address}],
        "security": [{"token": []}],
        "paths": {f"{PREFIX}{path}": calls for path, calls in _paths().items()},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": _schemas(),
            "responses": _responses(),
        },
    }


def _paths() -> dict[str, Any]:
    return {
        "/messages": {"get": _receive(), "post": _send()},
        "/place": {"get": _place()},
        "/evidence": {"post": _bring()},
        "/evidence/{sha256}": {"get": _known()},
        **joining_paths(),
        "/openapi.json": {
            "get": {
                "operationId": "describe",
                "summary": "本文档",
                "security": [],
                "responses": {"200": _said("本文档", {"type": "object"})},
            }
        },
    }


def _receive() -> dict[str, Any]:
    return {
        "operationId": "receiveMessages",
        "summary": "收取：某个位置之后发给本部门的消息，按提交的先后",
        "parameters": [
            _cursor("上一次回答中的 next，原样填写；不填为从头"),
            _limit(100),
            {
                "name": "wait",
                "in": "query",
                "description": "没有新消息时最多等几秒",
                "schema": {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0},
            },
            {
                "name": "unsigned",
                "in": "query",
                "description": "true：只给还没有签收回执的（不论从哪个渠道收过）；不需要回执的消息也在内",
                "schema": {"type": "boolean", "default": False},
            },
            _if_none_match(),
        ],
        "responses": {
            "200": _said("消息", {"$ref": "#/components/schemas/Messages"}, etag=True),
            "304": {"description": "没有新的"},
            **_refusals(401, 409, 410, 422, 429, 503),
        },
    }


def _send() -> dict[str, Any]:
    one = {"value": "eyJzcGVjdmVyc2lvbiI6IjEuMCJ9", "signature": "eyJhbGciOiJFZERTQSJ9..c2ln"}
    return {
        "operationId": "sendMessages",
        "summary": "发送：回执、监管和执法信息等，逐条答复",
        "parameters": [
            {
                "name": "Signature",
                "in": "header",
                "description": f"分离式 JWS；只在请求体为 {RAW} 时需要",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Outgoing"},
                    "example": {"messages": [one]},
                },
                RAW: {"schema": {"type": "object", "description": "一条消息（CloudEvents 1.0 结构化模式）"}},
            },
        },
        "responses": {
            "200": _said("每条一个答复，次序与请求相同", {"$ref": "#/components/schemas/Results"}),
            **_refusals(401, 409, 413, 422, 429, 503),
        },
    }


def _place() -> dict[str, Any]:
    return {
        "operationId": "readPlace",
        "summary": "位置：平台已有签收回执的消息编号，换渠道、换机器时不必重收",
        "parameters": [_cursor("上一次回答中的 next"), _limit(MOST), _if_none_match()],
        "responses": {
            "200": _said("已签收的消息", {"$ref": "#/components/schemas/Place"}, etag=True),
            "304": {"description": "没有变化"},
            **_refusals(401, 409, 410, 422, 429, 503),
        },
    }


def _bring() -> dict[str, Any]:
    named = {"type": "string", "minLength": 1, "maxLength": 200}
    return {
        "operationId": "bringEvidence",
        "summary": "送佐证文件：先送文件，消息的 files 中再写它的摘要",
        "parameters": [
            {"name": "name", "in": "query", "required": True, "description": "文件名", "schema": named},
            {
                "name": "sha256",
                "in": "query",
                "required": True,
                "description": "文件的 SHA-256，收完核对",
                "schema": _SHA256,
            },
        ],
        "requestBody": {
            "required": True,
            "description": f"文件本身，不超过 {LARGEST >> 20} MiB",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "contentMediaType": "*/*"}}
            },
        },
        "responses": {
            "201": _said("已收下", {"$ref": "#/components/schemas/Evidence"}),
            "200": _said("本部门已送过", {"$ref": "#/components/schemas/Evidence"}),
            **_refusals(401, 409, 413, 422, 429, 503),
        },
    }


def _known() -> dict[str, Any]:
    where = {"name": "sha256", "in": "path", "required": True, "schema": _SHA256}
    return {
        "operationId": "knowEvidence",
        "summary": "佐证文件是否已送到",
        "parameters": [where],
        "responses": {
            "200": _said("已送到", {"$ref": "#/components/schemas/Evidence"}),
            **_refusals(401, 404, 409, 422, 429, 503),
        },
    }


def _cursor(words: str) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": 80}
    return {"name": "after", "in": "query", "description": words, "schema": schema, "example": _CURSOR}


def _limit(default: int) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, "maximum": MOST, "default": default}
    return {"name": "limit", "in": "query", "description": "最多几条", "schema": schema}


def _if_none_match() -> dict[str, Any]:
    words = "上一次同样请求的 ETag；没有变化时答 304"
    return {"name": "If-None-Match", "in": "header", "description": words, "schema": {"type": "string"}}


def _said(words: str, schema: dict[str, Any], *, etag: bool = False) -> dict[str, Any]:
    said: dict[str, Any] = {"description": words, "content": {"application/json": {"schema": schema}}}
    if etag:
        said["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return said


def _refusals(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/E{status}"} for status in statuses}


_WORDS = {
    401: "访问令牌不对、过期或不是本部门的",
    404: "没有",
    409: "访问令牌已经用过",
    410: "位置属于数据库恢复之前：不带 after、带 unsigned=true 重新开始",
    413: "请求体过大",
    422: "请求不符合要求",
    429: "过于频繁，按 Retry-After 再试",
    503: "暂时不可用，稍后原样再试",
}


def _responses() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {f"E{status}": _said(words, schema) for status, words in _WORDS.items()}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _listed(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def _schemas() -> dict[str, Any]:
    text, flag = {"type": "string"}, {"type": "boolean"}
    uuid_text = {"type": "string", "format": "uuid", "examples": [_EVENT]}
    moment = {"type": "string", "format": "date-time"}
    base64_text = {"type": "string", "contentEncoding": "base64"}
    page = {"next": {"type": "string", "examples": [_CURSOR]}, "more": flag}
    message = {
        "event_id": uuid_text,
        "type": text,
        "key": text,
        "value": {**base64_text, "description": "原始字节；签名和 sha256 都是对它的"},
        "signature": text,
        "kid": text,
        "sha256": _SHA256,
        "created_at": moment,
    }
    signed = {"event_id": uuid_text, "type": text, "key": text, "signed_at": moment}
    sent = _object({"value": base64_text, "signature": {"type": ["string", "null"]}})
    result = {"outcome": {"enum": ["taken", "duplicate", "refused"]}, "sha256": _SHA256}
    refused = {"cause": {"enum": list(QUARANTINE_CAUSES)}, "message": text, "expected": text}
    file = {
        "sha256": {**_SHA256, "examples": [_EMPTY]},
        "name": text,
        "size": {"type": "integer"},
        "media_type": text,
    }
    return {
        "Messages": _object({"messages": _listed(_object(message)), **page}),
        "Place": _object({"signed": _listed(_object(signed)), **page}),
        "Outgoing": {
            "anyOf": [
                _object({"messages": {**_listed(sent), "minItems": 1, "maxItems": MOST_AT_ONCE}}),
                sent,
            ]
        },
        "Results": _object(
            {"results": _listed(_object(result, event_id={"type": ["string", "null"]}, **refused))}
        ),
        "Evidence": _object(file),
        **joining_schemas(),
        "Error": _object({"error": text, "message": {**text, "description": "一句话，说明怎么办"}}),
    }
