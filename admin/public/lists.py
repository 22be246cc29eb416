"""`/status-lists/<n>`: the signed lists by which anybody checks licences off-line, and the keys to check them by.

Guarantees: served as they were last made, to everybody; a copy that is still the same costs 304.
"""

from __future__ import annotations

import hashlib

from flask import Response, abort, request
from sqlalchemy import select

from admin.premises import here
from admin.public.pages import bp, reading
from hub.licensing.checking.make_status_lists import TTL, TYP
from hub.licensing.checking.status_list import StatusList

_HIGHEST = 1 << 31


@bp.get("/status-lists/<int:number>")
def status_list(number: int) -> Response:
    """One list, as a JWT."""
    if number >= _HIGHEST:
        abort(404)
    with reading() as tx:
        token = tx.scalar(select(StatusList.token).where(StatusList.number == number))
    if token is None:
        abort(404)
    answer = Response(token, mimetype=f"application/{TYP}")
    answer.headers["Cache-Control"] = f"public, max-age={TTL}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.set_etag(hashlib.sha256(token.encode()).hexdigest()[:32])
    answer.make_conditional(request)
    return answer


@bp.get("/licence-trust.pem")
def trust() -> Response:
    """Whom to trust when checking off-line: the certificates that sign licences, what was revoked, the hub's own keys."""
    config = here().config
    parts = list(config.hub_keys.values())
    if config.inspector is not None:
        parts.insert(0, config.inspector.trust_pem())
    pem = "\n".join(part.strip() for part in parts if part.strip()) + "\n"
    answer = Response(pem, mimetype="application/x-pem-file")
    answer.headers["Content-Disposition"] = 'attachment; filename="licence-trust.pem"'
    answer.headers["Cache-Control"] = f"public, max-age={TTL}"
    return answer
