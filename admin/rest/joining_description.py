"""What the door says of joining: enrolment, renewal, the connector's document and its report, as OpenAPI paths."""

from __future__ import annotations

from typing import Any

from schemas.connector.report import report_schema
from schemas.connector.structure import connector_schema

_CODE = "7KQ2M-X4RTV-9HD3P-WB6CN"
_PROOF = "eyJhbGciOiJFZERTQSJ9..c2ln"
_PEM = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA...\n-----END PUBLIC KEY-----\n"
_TEXT = {"type": "string"}
_NULLABLE = {"type": ["string", "null"]}
NONCE = "[A-Za-z0-9_-]{16,100}"
_MOMENT = {"type": "string", "format": "date-time"}


def paths() -> dict[str, Any]:
    """The paths, below the door's prefix."""
    return {
        "/enrol": {"post": _enrol()},
        "/renew": {"post": _renew()},
        "/connector": {"get": _connector()},
        "/connector/health": {"post": _report()},
    }


def schemas() -> dict[str, Any]:
    """What they refer to."""
    key = {
        "kid": _TEXT,
        "department": _TEXT,
        "area": _TEXT,
        "certificate": {**_NULLABLE, "description": "中心签发的证书（PEM）"},
        "authority": {**_NULLABLE, "description": "签发者自己的证书（PEM），用来核验前一项"},
        "valid_to": _MOMENT,
        "public_url": _TEXT,
        "trust_bundle": _TEXT,
    }
    document = {
        "type": "object",
        "title": connector_schema()["title"],
        "description": connector_schema()["description"],
    }
    start = {
        "type": "object",
        "properties": {"kind": {"enum": ["unsigned", "since", "all"]}, "at": _NULLABLE},
    }
    running = {
        "code": _TEXT,
        "version": {"type": "integer"},
        "state": {"enum": ["draft", "live", "paused"]},
        "start": start,
        "rewind_to": _NULLABLE,
        "document": document,
        "nonce": {**_NULLABLE, "description": "询问时给出的 nonce 的原文；不同的不要采用"},
        "issued_at": _MOMENT,
    }
    one = _object({"flow": _TEXT, "ref": _TEXT, "direction": {"enum": ["out", "in"]}})
    return {
        "Enrolled": _object(
            key,
            connector={"anyOf": [document, {"type": "null"}]},
            connector_toml={**_NULLABLE, "description": "同一内容的 TOML 文件"},
        ),
        "Connector": _object(running),
        "Report": {name: value for name, value in report_schema().items() if not name.startswith("$")},
        "Again": _object(
            {"again": {"type": "array", "items": one}, "state": {"enum": ["draft", "live", "paused"]}}
        ),
    }


def _enrol() -> dict[str, Any]:
    body = _object(
        {
            "code": {**_TEXT, "description": "数据管理员给出的一次性入网码"},
            "public_key": {**_TEXT, "description": "自己生成的公钥（Ed25519 或 P-256，PEM）"},
            "proof": {
                **_TEXT,
                "description": "用其私钥对“shenguan enrol\\n<入网码>”的分离式 JWS，kid 为 new-key-<公钥 SHA-256 前 16 位>",
            },
        },
        department={**_TEXT, "description": "本部门代码，填了就核对"},
    )
    return {
        "operationId": "enrolKey",
        "summary": "入网：用一次性入网码登记自己生成的密钥，得到证书和连接器内容",
        "security": [],
        "requestBody": _body(body, {"code": _CODE, "public_key": _PEM, "proof": _PROOF}),
        "responses": {"201": _said("已登记", "Enrolled"), **_refusals(401, 409, 422, 429, 503)},
    }


def _renew() -> dict[str, Any]:
    body = _object(
        {
            "public_key": {**_TEXT, "description": "要续期的公钥，或接替它的新公钥（PEM）"},
            "proof": {
                **_TEXT,
                "description": "用该公钥的私钥对“shenguan renew\\n<本次访问令牌>”的分离式 JWS",
            },
        }
    )
    return {
        "operationId": "renewKey",
        "summary": "续期：再用一年；换成新密钥时，原密钥再有效 14 天",
        "requestBody": _body(body, {"public_key": _PEM, "proof": _PROOF}),
        "responses": {"200": _said("已续期", "Enrolled"), **_refusals(401, 409, 422, 429, 503)},
    }


def _connector() -> dict[str, Any]:
    said = _said("连接器内容", "Connector")
    signed = {"schema": _TEXT, "description": "中心对正文原始字节的分离式 JWS，与消息相同"}
    said["headers"] = {"ETag": {"schema": _TEXT}, "signature": signed}
    words = "上一次的 ETag；没有变化时答 304"
    nonce = {
        "name": "nonce",
        "in": "query",
        "description": "每次新取的随机数，随答复一起签名：收到的与自己的不同，就是重放的旧答复",
        "schema": {**_TEXT, "pattern": f"^{NONCE}$"},
    }
    return {
        "operationId": "readConnector",
        "summary": "本部门自己运行的连接器：已发布的内容、状态和起点，不含秘密",
        "parameters": [
            nonce,
            {"name": "If-None-Match", "in": "header", "description": words, "schema": _TEXT},
        ],
        "responses": {
            "200": said,
            "304": {"description": "没有变化"},
            **_refusals(401, 404, 409, 422, 429, 503),
        },
    }


def _report() -> dict[str, Any]:
    example = {"instance": "front-1", "state": "running", "version": 3, "waiting": 0}
    return {
        "operationId": "reportConnector",
        "summary": "自报：运行情况、每分钟的数、被拒的记录、没有对照的代码；同样的内容再报一次不会重复计数",
        "requestBody": _body({"$ref": "#/components/schemas/Report"}, example),
        "responses": {
            "200": _said("是否暂停，有人要求再试的记录", "Again"),
            **_refusals(401, 404, 409, 413, 422, 429, 503),
        },
    }


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def _said(words: str, schema: str) -> dict[str, Any]:
    ref = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": words, "content": {"application/json": {"schema": ref}}}


def _refusals(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/E{status}"} for status in statuses}
