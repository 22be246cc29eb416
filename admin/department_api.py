"""The departments' REST door: fetch a material with a signed token, and the hub's public keys.

Guarantees: a file leaves only to the department that holds the key of a fresh token for exactly this material, only when
its case was pushed to that department, and only after the read is in the ledger; a refused read is in the ledger too.
Errors are JSON {error, message}. Written by hand: not one of Flask-AppBuilder's APIs, no cookies, no CSRF.
"""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import select

from admin.premises import here
from admin.trusted import keys
from hub.department import Department, source_of, topic_in, topic_out
from hub.errors import Conflict, Denied, HubError, NotFound, Rejected, Unavailable
from hub.read_file import FileFacts, note_denied, read_file
from storage.signing import BadSignature, verify_token

bp = Blueprint("department_api", __name__, url_prefix="/api/hub")
STATUS = {Denied: 403, NotFound: 404, Conflict: 409, Rejected: 422, Unavailable: 503}


@bp.errorhandler(HubError)
def refused(error: HubError) -> tuple[Response, int]:
    """What a use case says, as JSON."""
    return _error(STATUS.get(type(error), 500), type(error).__name__.lower(), error.message)


@bp.get("/materials/<material>")
def material(material: str) -> Any:
    """The file, for a department with a token; `use` in the token says what for."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    premises, now = here(), datetime.now(UTC)
    with premises.engine.connect() as tx:
        trusted = keys(tx)
    audience = source_of(premises.config.desk.area, "hub")
    try:
        claims = verify_token(trusted, token, at=now, audience=audience)
        _check_claims(claims, material)
    except BadSignature as error:
        _note(material, "unknown", f"{error.cause}: {error}")
        answer, status = _error(401, error.cause, str(error))
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return answer, status
    try:
        facts = _read(claims, material)
    except HubError as error:
        _note(material, f"department:{claims['iss']}", error.message)
        raise
    return stream(facts, inline=False)


def _read(claims: dict[str, Any], material: str) -> FileFacts:
    try:
        material_id = uuid.UUID(material)
    except ValueError:
        raise NotFound("材料编号应为 UUID。") from None
    with here().engine.begin() as tx:
        return read_file(
            tx,
            material_id,
            reader=f"department:{claims['iss']}",
            department=claims["iss"],
            token_id=claims["jti"],
            stated_use=claims["use"],
        )


def _check_claims(claims: dict[str, Any], material: str) -> None:
    for name in ("sub", "use", "jti"):
        if not isinstance(claims.get(name), str) or not claims[name] or len(claims[name]) > 400:
            raise BadSignature(f"访问令牌缺少 {name}。")
    if claims["sub"].lower() != material.lower():
        raise BadSignature("访问令牌不是为这份材料签发的（sub 不符）。")


def _note(material: str, reader: str, why: str) -> None:
    with here().engine.begin() as tx:
        note_denied(tx, material, reader=reader, why=why)


def stream(facts: FileFacts, *, inline: bool) -> Response:
    """The file in pieces, verified while it is read; a damaged one breaks off rather than pass."""
    files = here().config.files
    if files is None:
        raise Unavailable("本中心没有配置文件存储。")
    opened = files.open(facts)
    answer = Response(opened, mimetype=facts.media_type or "application/octet-stream")
    answer.call_on_close(opened.close)
    answer.headers["Content-Length"] = str(facts.size)
    answer.headers["Digest"] = "sha-256=" + base64.b64encode(facts.sha256).decode()
    answer.headers["X-Content-SHA256"] = facts.sha256.hex()
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Content-Security-Policy"] = (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
    )
    way = "inline" if inline else "attachment"
    answer.headers["Content-Disposition"] = (
        f"{way}; filename=\"material\"; filename*=UTF-8''{quote(facts.name)}"
    )
    return answer


@bp.get("/trust-bundle")
def trust_bundle() -> Response:
    """What an outsider needs to join: area, topics, the hub's public keys. Public."""
    config = here().config
    area = config.desk.area
    with here().engine.connect() as tx:
        codes = (
            tx.execute(select(Department.code).where(Department.active).order_by(Department.code))
            .scalars()
            .all()
        )
    return jsonify(
        area=area,
        broker=config.broker_address,
        issuer=source_of(area, "hub"),
        token_audience=source_of(area, "hub"),
        topics={
            "rule": {"to": f"{area}.<department>.in", "from": f"{area}.<department>.out"},
            "departments": {
                code: {"in": topic_in(area, code), "out": topic_out(area, code)} for code in codes
            },
        },
        keys=dict(config.hub_keys),
    )


def _error(status: int, error: str, message: str) -> tuple[Response, int]:
    return jsonify(error=error, message=message), status
