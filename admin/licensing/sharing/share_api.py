"""The licence-sharing interface after GB/T 36906, as provinces run it: seven calls, one envelope, a stated use in each.

Guarantees: who calls is proved by a token signed with the department's registered key, used once; each call, refused ones
included, is in the ledger with what was answered; a file leaves only as a copy with the stated use across it, from an
address that ends. Answers are {"head": {"status", "message"}, "data"}: 0, 11, 100 and 103 as seen in practice, 901 and up
are ours (docs/licences.md). Not here: what a department may see (hub.licensing.sharing.call).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Flask, Response, jsonify, request
from flask_appbuilder import AppBuilder

from admin.licensing.sharing.share_acts import ACTS, LARGEST_FILE, PREFIX
from admin.premises import here
from admin.trusted import keys
from hub.department import source_of
from hub.errors import Conflict, Denied, HubError, NotFound, Rejected, Unavailable
from hub.licensing.sharing import hand_out
from hub.licensing.sharing.call import (
    Call,
    UnknownHolderType,
    call_of,
    record_call,
)
from hub.licensing.sharing.spent_token import spend
from storage.signing import BadSignature, verify_token

bp = Blueprint("licence_sharing", __name__, url_prefix=PREFIX)
OK, UNAUTHENTICATED, NO_ACCESS, BAD_HOLDER_TYPE = 0, 11, 100, 103
INCOMPLETE, UNKNOWN, NOT_USABLE, TOO_MANY, AWAY = 901, 902, 903, 905, 906
#: status -> HTTP
HTTP = {
    OK: 200,
    UNAUTHENTICATED: 401,
    NO_ACCESS: 403,
    BAD_HOLDER_TYPE: 422,
    INCOMPLETE: 422,
    UNKNOWN: 404,
    NOT_USABLE: 409,
    TOO_MANY: 429,
    AWAY: 503,
}
_OF_ERROR: Mapping[type[HubError], int] = {
    UnknownHolderType: BAD_HOLDER_TYPE,
    Denied: NO_ACCESS,
    NotFound: UNKNOWN,
    Conflict: NOT_USABLE,
    Rejected: INCOMPLETE,
    Unavailable: AWAY,
}
PER_MINUTE = "600 per minute"


def install(app: Flask, appbuilder: AppBuilder) -> None:
    """Register the interface, with a limit for each address that calls."""
    app.register_blueprint(bp)
    limit = appbuilder.sm.limiter.limit(PER_MINUTE)
    for name, view in list(app.view_functions.items()):
        if name.startswith(f"{bp.name}."):
            app.view_functions[name] = limit(view)


@bp.errorhandler(429)
def too_many(error: Exception) -> tuple[Response, int]:
    """The limit, in the same envelope."""
    del error
    return _answer(TOO_MANY, "调用过于频繁，请一分钟后再试。")


@bp.post("/<api>")
def call(api: str) -> tuple[Response, int]:
    """One call. Which there are: ACTS."""
    act = ACTS.get(api)
    if act is None:
        return _answer(UNKNOWN, f"没有名为 {api[:40]} 的接口。可用：{'、'.join(ACTS)}。")
    said, fault = _said()
    if fault:
        return _answer(INCOMPLETE, fault)
    data = said.get("data") or {}
    now = datetime.now(UTC)
    try:
        claims = _claims(said, now)
    except BadSignature as error:
        return _refused("unknown", api, UNAUTHENTICATED, f"身份验证不通过：{error}")
    department = str(claims["iss"])
    asked: Call | str = f"department:{department}"
    try:
        with here().engine.begin() as tx:
            spend(tx, department, str(claims["jti"]), datetime.fromtimestamp(claims["exp"], UTC))
    except Conflict as error:
        return _refused(asked, api, UNAUTHENTICATED, f"身份验证不通过：{error.message}")
    try:
        if not isinstance(data, Mapping):
            raise Rejected("data 应为 JSON 对象。")
        asked = call_of(department, data, now)
        with here().engine.begin() as tx:
            subject, answer = act(tx, asked, data)
            record_call(tx, asked, api, subject, result=OK)
    except HubError as error:
        status = next(code for kind, code in _OF_ERROR.items() if isinstance(error, kind))
        return _refused(asked, api, status, error.message, _named(data))
    return _answer(OK, "成功", answer)


def _said() -> tuple[Mapping[str, Any], str]:
    request.max_content_length = LARGEST_FILE * 3 // 2
    said = request.get_json(silent=True)
    if not isinstance(said, Mapping):
        return {}, "请求体应为 JSON 对象：{accessId, accessToken, data}。"
    return said, ""


def _claims(said: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The claims of the caller's token, from the envelope or from the Authorization header."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    token = token or str(said.get("accessToken") or "")
    with here().engine.connect() as tx:
        trusted = keys(tx)
    claims = verify_token(trusted, token, at=now, audience=source_of(here().config.desk.area, "hub"))
    if claims.get("sub") != "licences":
        raise BadSignature("访问令牌不是为证照共享接口签发的（sub 应为 licences）。")
    if not isinstance(claims.get("jti"), str) or not 8 <= len(claims["jti"]) <= 100:
        raise BadSignature("访问令牌缺少 jti（8 到 100 个字符，每次不同）。")
    if said.get("accessId") not in (None, "", claims["iss"]):
        raise BadSignature("accessId 与访问令牌的签发者不符。")
    return claims


def _named(data: Any) -> str:
    """What a refused call asked for, without anybody's number."""
    known = data if isinstance(data, Mapping) else {}
    named = known.get("certIdentifier") or known.get("certTypeCode") or ""
    return f"licence:{str(named)[:128]}"


def _refused(
    asked: Call | str, api: str, status: int, message: str, subject: str = "licence:"
) -> tuple[Response, int]:
    with here().engine.begin() as tx:
        record_call(tx, asked, api, subject, result=status, why=message)
    return _answer(status, message)


def _answer(status: int, message: str, data: Any = None) -> tuple[Response, int]:
    answer = jsonify(head={"status": status, "message": message}, data=data)
    answer.headers["Cache-Control"] = "no-store"
    if status == UNAUTHENTICATED:
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return answer, HTTP[status]


@bp.get("/copies/<token>")
def copied(token: str) -> tuple[Response, int] | Response:
    """The copy behind a temporary address. Whoever has the address may fetch it, until it ends."""
    config, now = here().config, datetime.now(UTC)
    try:
        copy_id = config.tokens.read(token) if config.tokens else None
        with here().engine.begin() as tx:
            handed = hand_out.fetch(tx, copy_id, now)
        if config.press is None or config.files is None:
            raise Unavailable("本中心没有配置制证，不能提供证照文件。")
        with config.files.open(handed) as opened:
            original = b"".join(opened)
        content = config.press.copy(original, mark=handed.mark, form=handed.form)
        with here().engine.begin() as tx:
            hand_out.handed_over(tx, handed.copy_id, hashlib.sha256(content).digest())
    except HubError as error:
        status = next(code for kind, code in _OF_ERROR.items() if isinstance(error, kind))
        return _answer(status, error.message)
    answer = Response(content, mimetype="application/pdf" if handed.form == "pdf" else "image/png")
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["Content-Disposition"] = (
        f"attachment; filename=\"licence.{handed.form}\"; filename*=UTF-8''{quote(handed.name)}"
    )
    return answer
