"""The upload API of the workbench: announce, send piece by piece, ask how it stands, give up. JSON, cookie and CSRF header.

Guarantees: constant memory; what was confirmed survives this process; a dropped connection loses at most what was not
yet written; who is told that a file is stored finds pushed what waited for it. Only for people who may take files
(`can_take` on WorkbenchView), each on their own uploads. Every error is {error: a sentence}; a wrong offset is 409 with
the truth.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, request, session
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from admin.errors import STATUS
from admin.premises import actor, here, may, signed_in
from admin.uploads.finishing import finish_soon
from admin.workbench.office import my_office
from hub.errors import Conflict, Denied, HubError, NotFound, Rejected, Unavailable
from hub.pushing.release_push import check_for_upload
from hub.take_upload import (
    Announced,
    UploadFacts,
    begin_upload,
    give_up_upload,
    known_before,
    look_at_upload,
    note_received,
)
from hub.upload_rules import WrongFields
from storage.intake.finish import CHUNK, Intake
from storage.intake.spool import SIGNATURE_LARGEST, WrongOffset

bp = Blueprint("uploads", __name__, url_prefix="/uploads")
_PIECE_TYPE = "application/offset+octet-stream"


@bp.errorhandler(HubError)
def refused(error: HubError) -> tuple[Response, int]:
    """What a use case says, as JSON."""
    said: dict[str, Any] = {"error": error.message}
    if isinstance(error, WrongFields):
        said["fields"] = error.faults
    if isinstance(error, WrongOffset):
        said["received"] = error.received
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    return jsonify(said), status


@bp.errorhandler(CSRFError)
def stale(error: CSRFError) -> tuple[Response, int]:
    """The session ended, or the page is older than it."""
    del error
    if "_user_id" not in session:  # this comes before anybody has asked who it is
        return jsonify(error=gettext("登录已过期。请重新登录，上传会从断开的地方继续。")), 401
    return jsonify(error=gettext("页面已过期，请刷新后重试；上传会从断开的地方继续。")), 400


@bp.errorhandler(HTTPException)
def other(error: HTTPException) -> tuple[Response, int]:
    """A request that is wrong in itself."""
    if isinstance(error, RequestEntityTooLarge):
        return jsonify(error=gettext("一次发送的内容太多，请按说好的分片大小发送。")), 413
    return jsonify(error=gettext("请求的格式不正确。")), error.code or 400


def for_takers(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Only for people who may take files."""

    @wraps(handler)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not signed_in():
            return jsonify(error=gettext("登录已过期。请重新登录，上传会从断开的地方继续。")), 401
        if not may("can_take", "WorkbenchView"):
            raise Denied
        return handler(*args, **kwargs)

    return guarded


def intake() -> Intake:
    """What taking files in works with. Raises Unavailable where this hub takes none."""
    found: Intake | None = here().config.intake
    if found is None:
        raise Unavailable(gettext("本中心没有配置文件存储，不能上传材料。"))
    return found


@bp.post("/")
@for_takers
def begin() -> tuple[Response, int]:
    """Announce a file."""
    works = intake()
    announced = _announced(request.get_json(silent=True))
    with here().engine.begin() as tx:
        upload = begin_upload(
            tx, announced, works.rules, here().config.desk, actor=actor(), department=my_office(tx).code
        )
        works.spool.begin(upload.id, upload.size)
    return jsonify(id=str(upload.id), received=0, chunk=CHUNK, state=upload.state, name=upload.file_name), 201


def _announced(given: Any) -> Announced:
    if not isinstance(given, dict):
        raise Rejected(gettext("请求的格式不正确。"))
    fields = given.get("fields") or {}
    texts = {name: given.get(name, "") for name in ("case_no", "requirement_id", "file_name", "subject")}
    size = given.get("size")
    sound = all(isinstance(text, str) and len(text) <= 1000 for text in texts.values())
    if not sound or not isinstance(size, int) or isinstance(size, bool) or not isinstance(fields, dict):
        raise Rejected(gettext("请求的格式不正确。"))
    try:
        requirement = uuid.UUID(texts["requirement_id"])
    except ValueError:
        raise NotFound(gettext("材料清单里没有这一行。请刷新页面后重试。")) from None
    return Announced(texts["case_no"], requirement, texts["file_name"], size, fields, texts["subject"])


@bp.patch("/<uuid:upload_id>")
@for_takers
def piece(upload_id: uuid.UUID) -> Response:
    """The next bytes, at most a chunk of them."""
    works, engine = intake(), here().engine
    offset = request.headers.get("Upload-Offset", "")
    if request.mimetype != _PIECE_TYPE or not (offset.isascii() and offset.isdigit() and len(offset) < 16):
        raise Rejected(gettext("请求的格式不正确。"))
    request.max_content_length = CHUNK
    if (request.content_length or 0) > CHUNK:
        raise RequestEntityTooLarge
    with engine.connect() as tx:
        upload = look_at_upload(tx, upload_id, actor=actor())
    if upload.state != "receiving":
        raise WrongOffset(upload.received)
    most = min(CHUNK, max(0, upload.size - int(offset)))
    received = works.spool.append(
        upload_id, int(offset), request.stream.read, most=most, known=upload.received
    )
    with engine.begin() as tx:
        upload = note_received(tx, upload_id, received, actor=actor())
    if upload.state == "checking":
        upload = finish_soon(upload_id, works)
    return _stands(upload)


@bp.put("/<uuid:upload_id>/signature")
@for_takers
def signature(upload_id: uuid.UUID) -> Response:
    """The detached signature (.p7s) of the file, before its last byte."""
    request.max_content_length = SIGNATURE_LARGEST
    with here().engine.connect() as tx:
        upload = look_at_upload(tx, upload_id, actor=actor())
    if upload.state != "receiving":
        raise Conflict(gettext("文件已经收完，不能再补签名文件。请重新上传，先交签名文件。"))
    intake().spool.keep_signature(upload_id, request.get_data(cache=False))
    return _stands(upload)


@bp.get("/<uuid:upload_id>")
@for_takers
def stands(upload_id: uuid.UUID) -> Response:
    """How it stands; what was left unfinished by a crash is taken up again."""
    works = intake()
    with here().engine.connect() as tx:
        upload = look_at_upload(tx, upload_id, actor=actor())
    if upload.state == "checking":
        upload = finish_soon(upload_id, works, patience=0.0)
    if upload.state == "receiving":
        there = min(upload.received, works.spool.received(upload_id))
        return _stands(upload, received=there)
    return _stands(upload)


@bp.delete("/<uuid:upload_id>")
@for_takers
def give_up(upload_id: uuid.UUID) -> Response:
    """Abandon it, or take it off a case that is not accepted yet."""
    with here().engine.begin() as tx:
        give_up_upload(tx, upload_id, actor=actor())
    with here().engine.connect() as tx:
        upload = look_at_upload(tx, upload_id, actor=actor())
    if upload.state == "abandoned":
        intake().spool.forget(upload_id)
    return _stands(upload)


def _stands(upload: UploadFacts, *, received: int | None = None) -> Response:
    with here().engine.begin() as tx:
        known = known_before(tx, upload)
        if upload.state == "stored":
            check_for_upload(tx, upload.id, here().config.desk)
    waiting = gettext("等待病毒查杀的结果，通过后自动归档。") if upload.state == "scanning" else None
    return jsonify(
        id=str(upload.id),
        name=upload.file_name,
        received=upload.received if received is None else received,
        size=upload.size,
        state=upload.state,
        refusal=upload.refusal,
        waiting=waiting,
        material_id=str(upload.material_id) if upload.material_id else None,
        known={"case_no": known.case_no, "name": known.name} if known else None,
    )
