"""`/live/notices`: server-sent events of the notices that are for the signed-in user."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, abort, current_app, g, request

from admin.live import LiveBoard, Stream, follow
from admin.noticing.reading import reader
from admin.premises import here, may
from schemas import dumps

bp = Blueprint("live", __name__, url_prefix="/live")


@bp.get("/notices")
def notices() -> Response:
    """Every notice later than Last-Event-ID (or `after`), then each new one as it comes."""
    if not g.user.is_authenticated or not may("can_list", "NoticeView"):
        abort(403)
    board, user, mine = here().live, str(g.user.username), reader()
    after = _after(request.headers.get("Last-Event-ID") or request.args.get("after"))
    current_app.extensions["appbuilder"].session.remove()  # a waiting page must not hold a connection
    stream = board.open(user, mine)
    answer = Response(_events(board, stream, after), mimetype="text/event-stream")
    answer.call_on_close(lambda: board.close(stream))
    answer.headers["Cache-Control"] = "no-cache, no-transform"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _events(board: LiveBoard, stream: Stream, after: int | None) -> Iterator[bytes]:
    yield b"retry: 1000\n: open\n\n"
    for shown in follow(board, stream, after):
        if shown is None:
            yield b": ping\n\n"
        else:
            yield b"id: %d\nevent: notice\ndata: %b\n\n" % (shown["id"], dumps(shown))


def _after(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 19 else None
