"""`/v/<token>/face.png`: the face of a licence as strangers may see it, as a picture.

Guarantees: persons are covered; the words across it say that it is only for checking, and how the licence stands when that
is not well; drawn at most two at a time in a process and kept for a few minutes, so that a QR code shown to a hall full of
people is drawn once.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict

from flask import Response, abort

from admin.premises import here
from admin.public.pages import bp, check, reading
from hub.errors import HubError, Unavailable
from hub.licensing.face import Face
from hub.licensing.issuing.masked_face import masked_face

WIDTH = 1000
KEPT = 64
SECONDS = 300.0
_PATIENCE = 10.0
_WELL = ("valid", "not_yet")
_MARKS = {
    "suspended": "已暂扣",
    "superseded": "已被新版替代",
    "expired": "已到期",
    "withdrawn": "已撤销",
    "cancelled": "已注销",
    "revoked": "已吊销",
    "transferred": "已转出",
    "other": "已停用",
}
_kept: OrderedDict[tuple[uuid.UUID, str], tuple[float, bytes]] = OrderedDict()
_guard = threading.Lock()
_drawing = threading.BoundedSemaphore(2)


@bp.get("/v/<token>/face.png")
def face(token: str) -> Response:
    """The picture; 404 for a token that is none and for a licence without a face."""
    checked = check(token)
    if checked.licence is None or not checked.licence.has_face or here().config.press is None:
        abort(404)
    mark = "仅供核验" if checked.outcome in _WELL else f"{_MARKS[checked.outcome]} 仅供核验"
    key = (checked.licence.id, mark)
    picture = _remembered(key)
    if picture is None:
        picture = _drawn(key, token)
    answer = Response(picture, mimetype="image/png")
    answer.headers["Cache-Control"] = "private, max-age=60"
    return answer


def _remembered(key: tuple[uuid.UUID, str]) -> bytes | None:
    with _guard:
        made, picture = _kept.get(key, (0.0, b""))
        if not picture or time.monotonic() - made > SECONDS:
            return None
        _kept.move_to_end(key)
        return picture


def _drawn(key: tuple[uuid.UUID, str], token: str) -> bytes:
    config = here().config
    if not _drawing.acquire(timeout=_PATIENCE):
        raise Unavailable
    try:
        picture = _remembered(key)  # somebody else may have drawn it meanwhile
        if picture is not None:
            return picture
        with reading() as tx:
            said = masked_face(tx, key[0], qr=f"{config.desk.public_url}/v/{token}", mark=key[1])
        picture = _picture(said)
    finally:
        _drawing.release()
    with _guard:
        _kept[key] = (time.monotonic(), picture)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return picture


def _picture(said: Face | None) -> bytes:
    """The page stands without it, so whatever cannot be drawn is simply not there."""
    if said is None:
        abort(404)
    try:
        drawn: bytes = here().config.press.picture(said, width=WIDTH)
    except Unavailable:
        raise
    except HubError:
        abort(404)
    return drawn
