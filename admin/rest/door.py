"""Who knocks: a token signed with the department's registered key, used once; and every refusal as JSON {error, message}.

Guarantees: nothing is read or taken for a caller who is not proved; no cookies, no CSRF, no rights of signed-in people.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from flask_appbuilder import AppBuilder

from admin.premises import here
from admin.trusted import keys
from hub.department import source_of
from hub.errors import Conflict, Denied, HubError, NotFound, Rejected, Unavailable
from hub.exchange.pull import PlaceLost
from hub.exchange.take_safely import StoreAway
from hub.licensing.sharing.spent_token import spend
from storage.signing import BadSignature, verify_token

PREFIX = "/api/hub/v1"
SUBJECT = "exchange"  # what a token for this door is signed for
PER_MINUTE = (
    "1200 per minute"  # of one address; a department that asks every second, and its neighbours behind it
)
PER_MINUTE_UNPROVED = "20 per minute"  # of one address: whoever brings a code, not yet a key
bp = Blueprint("department_rest", __name__, url_prefix=PREFIX)
STATUS: dict[type[HubError], tuple[int, str]] = {
    PlaceLost: (410, "place_lost"),
    Denied: (403, "denied"),
    NotFound: (404, "not_found"),
    Conflict: (409, "conflict"),
    Rejected: (422, "rejected"),
    Unavailable: (503, "unavailable"),
}


def install(app: Flask, appbuilder: AppBuilder) -> None:
    """Register the door, with a limit for each address that calls."""
    from admin.rest import description, evidence, joining, messages  # noqa: F401 - they hang their calls on the blueprint

    app.register_blueprint(bp)
    limit = appbuilder.sm.limiter.limit(PER_MINUTE)
    strict = appbuilder.sm.limiter.limit(PER_MINUTE_UNPROVED)
    for name, view in list(app.view_functions.items()):
        if name.startswith(f"{bp.name}."):
            unproved = name == f"{bp.name}.{joining.enrol_key.__name__}"
            app.view_functions[name] = (strict if unproved else limit)(view)


def caller() -> str:
    """The code of the department whose key signed this request's token. Raises BadSignature, Conflict (token used)."""
    return key_of_caller()[0]


def key_of_caller() -> tuple[str, str, str]:
    """The same, the kid of that key, and the token."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    engine, desk = here().engine, here().config.desk
    with engine.connect() as tx:
        trusted = keys(tx)
    claims = verify_token(trusted, token, at=desk.clock(), audience=source_of(desk.area, "hub"))
    if claims.get("sub") != SUBJECT:
        raise BadSignature(f"访问令牌不是为收发接口签发的（sub 应为 {SUBJECT}）。")
    if not isinstance(claims.get("jti"), str) or not 8 <= len(claims["jti"]) <= 100:
        raise BadSignature("访问令牌缺少 jti（8 到 100 个字符，每次不同）。")
    department = str(claims["iss"])
    with engine.begin() as tx:
        spend(tx, department, claims["jti"], datetime.fromtimestamp(claims["exp"], UTC))
    return department, trusted.verify_attached(token, at=desk.clock()).kid, token


@bp.errorhandler(HubError)
def refused(error: HubError) -> tuple[Response, int]:
    """What a use case says."""
    status, name = next((said for kind, said in STATUS.items() if isinstance(error, kind)), (500, "error"))
    return answer_error(status, name, error.message)


@bp.errorhandler(BadSignature)
def unproved(error: BadSignature) -> tuple[Response, int]:
    """Who calls is not known."""
    answer, status = answer_error(401, error.cause, str(error))
    answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return answer, status


@bp.errorhandler(StoreAway)
def away(error: StoreAway) -> tuple[Response, int]:
    """Nothing was taken; the same again later."""
    return answer_error(503, "unavailable", error.__doc__ or "")


@bp.errorhandler(413)
def too_large(error: Any) -> tuple[Response, int]:
    """More than is taken at once."""
    del error
    return answer_error(413, "too_large", "请求体过大，请分几次提交。")


@bp.errorhandler(429)
def too_many(error: Any) -> tuple[Response, int]:
    """The limit."""
    del error
    answer, status = answer_error(429, "too_many", "调用过于频繁，请一分钟后再试。")
    answer.headers["Retry-After"] = "60"
    return answer, status


def answer_error(status: int, error: str, message: str) -> tuple[Response, int]:
    """One way to refuse."""
    answer = jsonify(error=error, message=message)
    answer.headers["Cache-Control"] = "no-store"
    return answer, status
