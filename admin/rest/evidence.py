"""Evidence over REST: the file first, then the messages that name it by SHA-256."""

from __future__ import annotations

import re
from typing import cast

from flask import Response, jsonify, request

from admin.premises import here
from admin.rest.door import bp, caller
from hub.errors import Rejected, Unavailable
from storage.files import Source
from storage.intake.evidence import LARGEST, Kept, bring, known

_SHA256 = re.compile(r"[0-9a-f]{64}")


@bp.post("/evidence")
def bring_evidence() -> tuple[Response, int]:
    """One file, streamed; kept when its digest is the announced one."""
    request.max_content_length = LARGEST + 1
    department = caller()
    intake = here().config.intake
    if intake is None:
        raise Unavailable("本中心没有配置文件存储。")
    kept = bring(
        here().engine,
        intake,
        cast(Source, request.stream),
        department=department,
        name=request.args.get("name", "").strip(),
        sha256=_digest(request.args.get("sha256", "")),
        by=f"department:{department}",
    )
    return _told(kept), 201 if kept.fresh else 200


@bp.get("/evidence/<sha256>")
def evidence(sha256: str) -> Response:
    """Whether the department has brought this file."""
    department, digest = caller(), _digest(sha256)
    with here().engine.connect() as tx:
        return _told(known(tx, department, digest))


def _digest(text: str) -> bytes:
    if not _SHA256.fullmatch(text.lower()):
        raise Rejected("sha256 应为 64 位十六进制。")
    return bytes.fromhex(text)


def _told(kept: Kept) -> Response:
    answer = jsonify(sha256=kept.sha256.hex(), name=kept.name, size=kept.size, media_type=kept.media_type)
    answer.headers["Cache-Control"] = "no-store"
    return answer
