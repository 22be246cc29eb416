"""Evidence in a form: brought one by one while the form is filled in, or with it; kept across an error, named by digest.

Guarantees: a file is looked at, scanned and sealed by the storage's own intake before any message names it; a form names
only files that its own department has brought.
"""

from __future__ import annotations

import hashlib
from typing import Any

from flask import request
from flask_babel import gettext
from werkzeug.datastructures import FileStorage

from admin.premises import actor, here
from hub.errors import HubError, Unavailable
from hub.upload_rules import clean_name
from storage.intake.evidence import Kept, bring, known

MOST = 50
_PIECE = 1 << 20


def brought(department: str) -> tuple[list[Kept], str | None]:
    """The files that the form names or carries, each once, in their order; and why one could not be taken."""
    found: dict[bytes, Kept] = {}
    fault = None
    with here().engine.connect() as tx:
        for digest in request.form.getlist("files")[:MOST]:
            try:
                kept = known(tx, department, bytes.fromhex(digest))
            except (ValueError, HubError):
                fault = gettext("有一个文件没有传完，请重新选择。")
            else:
                found[kept.sha256] = kept
    for upload in request.files.getlist("fresh_files"):
        if not upload.filename:
            continue
        try:
            kept = keep(upload, department)
        except HubError as error:
            fault = error.message
        else:
            found[kept.sha256] = kept
    if len(found) > MOST:
        fault = gettext("佐证至多 %(n)s 个文件。", n=MOST)
    return list(found.values()), fault


def keep(upload: FileStorage, department: str) -> Kept:
    """One file, kept for this department. Raises Rejected with a sentence, Unavailable."""
    intake = here().config.intake
    if intake is None:
        raise Unavailable(gettext("本中心没有配置文件存储，不能上传佐证。"))
    digest = hashlib.sha256()
    while piece := upload.stream.read(_PIECE):
        digest.update(piece)
    upload.stream.seek(0)
    return bring(
        here().engine,
        intake,
        upload.stream,
        department=department,
        name=clean_name(upload.filename or ""),
        sha256=digest.digest(),
        by=actor(),
    )


def named(kept: list[Kept]) -> list[dict[str, Any]]:
    """Files as a message names them."""
    return [
        {
            "name": one.name,
            "sha256": one.sha256.hex(),
            "size": one.size,
            "media_type": one.media_type,
        }
        for one in kept
    ]
