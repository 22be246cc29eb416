"""Joining over REST: a key enrolled with a one-time code, renewed with itself; a connector's document, and its own report.

Guarantees: a key counts only when whoever brings it has proved to hold it; the answer to an enrolment holds everything that
a connector at the department needs, and no secret.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from flask import Response, jsonify, request
from sqlalchemy import Connection, func, select

from admin.premises import here
from admin.rest.door import bp, caller, key_of_caller
from admin.rest.joining_description import NONCE
from hub.connecting.connector import ConnectorVersion
from hub.connecting.enrol import Enrolled, department_of_code, enrol, renew
from hub.connecting.held import version_of
from hub.connecting.move_document import export_document
from hub.connecting.take_report import own_connector, take_report
from hub.errors import Rejected
from hub.pushing.package import instant
from schemas import Malformed, loads
from schemas.connector.faults import Faults
from schemas.connector.report import report_faults
from storage.keys import UnusableKey, load_public, spki_pem
from storage.possession import ENROL, RENEW, check_proof
from storage.signing import kid_of

LARGEST_REPORT = 4 << 20
LARGEST_REQUEST = 64 << 10


@bp.post("/enrol")
def enrol_key() -> tuple[Response, int]:
    """A key of the connector's own making, registered and certified against a one-time code."""
    said = _said("code", "public_key", "proof")
    desk, pem = here().config.desk, _public(said["public_key"])
    with here().engine.begin() as tx:
        department = department_of_code(tx, said["code"])
        check_proof(pem, said["proof"], ENROL, said["code"], at=desk.clock())
        done = enrol(
            tx,
            desk,
            said["code"],
            kid=kid_of(department, pem),
            public_pem=pem,
            department=said.get("department"),
        )
        answer = _enrolled(done) | _connector_of(tx, done.connector)
    return _private(answer), 201


@bp.post("/renew")
def renew_key() -> Response:
    """A further year for the key that signs this call's token, or for a new one that follows it."""
    department, by_kid, token = key_of_caller()
    said = _said("public_key", "proof")
    desk, pem = here().config.desk, _public(said["public_key"])
    check_proof(pem, said["proof"], RENEW, token, at=desk.clock())
    with here().engine.begin() as tx:
        done = renew(tx, desk, department, by_kid=by_kid, kid=kid_of(department, pem), public_pem=pem)
    return _private(_enrolled(done))


@bp.get("/connector")
def connector() -> Response:
    """The document of the connector that the department runs itself, and what was asked of it; 304 while nothing changed.

    Signed by the hub as its messages are, in the header `signature`: what a connector does is nobody else's to say. The
    caller's own `nonce` is signed with it, so that nobody can answer a later question with an earlier answer.
    """
    department, nonce = caller(), request.args.get("nonce")
    if nonce is not None and not re.fullmatch(NONCE, nonce):
        raise Rejected("nonce 应为 16 到 100 个字母、数字、“-”或“_”，每次询问用新的。")
    with here().engine.connect() as tx:
        row = own_connector(tx, department)
        document = version_of(tx, row.code, row.version).document
    answer = jsonify(
        code=row.code,
        version=row.version,
        state=row.state,
        start={"kind": row.start_kind, "at": _moment(row.start_at)},
        rewind_to=_moment(row.rewind_to),
        document=document,
        nonce=nonce,
        issued_at=instant(here().config.desk.clock()),
    )
    answer.headers["signature"] = here().config.desk.signer.sign(answer.get_data())
    answer.set_etag(hashlib.sha256(f"{row.code} {row.changed_no}".encode()).hexdigest()[:32], weak=True)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


@bp.post("/connector/health")
def report() -> Response:
    """How it is; the answer says whether it is paused, and which refused records somebody asked to have tried again."""
    request.max_content_length = LARGEST_REPORT
    department, said = caller(), _json()
    if faults := report_faults(said):
        raise Rejected(f"{Faults(faults[:20])}。")
    with here().engine.begin() as tx:
        again = take_report(tx, here().config.desk, department, said)
        state = own_connector(tx, department).state
    return _private({"again": again, "state": state})


def _said(*names: str) -> dict[str, str]:
    """The request's texts. Raises Rejected where one that is needed is missing."""
    request.max_content_length = LARGEST_REQUEST
    said = _json()
    for name in names:
        if not isinstance(said.get(name), str) or not said[name].strip():
            raise Rejected(f"缺少必填项 {name}（文字）。")
    return {name: value for name, value in said.items() if isinstance(value, str)}


def _json() -> dict[str, Any]:
    try:
        said = loads(request.get_data())
    except Malformed as error:
        raise Rejected(str(error)) from None
    if not isinstance(said, dict):
        raise Rejected("请求体应为一个 JSON 对象。")
    return said


def _public(pem: str) -> str:
    if "PRIVATE KEY" in pem:
        raise Rejected("给出的是私钥。私钥只能留在部门，请给出公钥，并立即更换这把密钥。")
    try:
        return spki_pem(load_public(pem))
    except UnusableKey as error:
        raise Rejected(str(error)) from None


def _enrolled(done: Enrolled) -> dict[str, Any]:
    config, authority = here().config, here().config.desk.authority
    return {
        "kid": done.kid,
        "department": done.department,
        "area": config.desk.area,
        "certificate": done.certificate,
        "authority": authority.certificate if authority is not None else None,
        "valid_to": instant(done.valid_to),
        "public_url": config.desk.public_url,
        "trust_bundle": f"{config.desk.public_url}/api/hub/trust-bundle",
    }


def _connector_of(tx: Connection, code: str | None) -> dict[str, Any]:
    """The newest published document of the connector that the code was made for, and the same as its file."""
    newest = select(func.max(ConnectorVersion.version)).where(
        ConnectorVersion.connector == code, ConnectorVersion.published_at.is_not(None)
    )
    version = tx.scalar(newest) if code else None
    if code is None or version is None:
        return {"connector": None, "connector_toml": None}
    document = dict(version_of(tx, code, version).document)
    return {"connector": document, "connector_toml": export_document(tx, code, version)}


def _moment(value: Any) -> str | None:
    return None if value is None else instant(value)


def _private(body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.headers["Cache-Control"] = "no-store"
    return answer
