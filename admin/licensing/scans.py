"""A scan that comes with an act: stored sealed before the act's transaction, and forgotten where the act is refused.

Guarantees: typed by its content, at most 20 MiB; the same bytes are kept once. A crash leaves at most an object that the
sweep removes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection
from werkzeug.datastructures import FileStorage

from admin.media import media_type_of, refuse_unknown
from admin.premises import here
from hub.add_material import keep_object, standing_object
from hub.errors import HubError, Rejected

LARGEST = 20 * 1024 * 1024
KINDS = frozenset({"application/pdf", "image/png", "image/jpeg", "application/ofd"})


def with_scan(upload: FileStorage | None, act: Callable[[Connection, bytes | None], Any]) -> Any:
    """Do `act` in a transaction, given the scan's SHA-256. What the act refuses is raised again."""
    if upload is None or not upload.filename:
        with here().engine.begin() as tx:
            return act(tx, None)
    files, stored = here().config.files, _store(upload)
    try:
        with here().engine.begin() as tx:
            keep_object(tx, stored)
            done = act(tx, bytes(stored.sha256))
            standing = standing_object(tx, stored.sha256)
    except HubError:
        files.delete(stored.object_name)
        raise
    if standing != stored.object_name:
        files.delete(stored.object_name)
    return done


def _store(upload: FileStorage) -> Any:
    files = here().config.files
    if files is None:
        raise Rejected(gettext("本中心没有配置文件存储，不能上传文书扫描件。"))
    refuse_unknown(upload.filename or "")
    media_type = media_type_of(upload)
    if media_type not in KINDS:
        raise Rejected(gettext("文书扫描件请用 PDF、OFD、PNG 或 JPEG。"))
    return files.put(upload.stream, media_type=media_type, max_size=LARGEST)
