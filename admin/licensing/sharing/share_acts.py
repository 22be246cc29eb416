"""The seven calls of the licence-sharing interface: from a request's data to the answer's, within one transaction.

Guarantees: each gives the subject for the ledger with its answer. Not here: who calls, and the envelope (share_api).
"""

from __future__ import annotations

import base64
import binascii
import tempfile
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from admin.premises import here
from hub.errors import Rejected, Unavailable
from hub.licensing.checking.check_licence import Checked, check_file
from hub.licensing.sharing import find, hand_out
from hub.licensing.sharing.call import Call, holder_type, needed, word

PREFIX = "/api/licences/v1"
LARGEST_FILE = 10 << 20
MOST_FIELDS = 100
Act = Callable[[Connection, Call, Mapping[str, Any]], tuple[str, dict[str, Any]]]


def _query_by_identifier(tx: Connection, asked: Call, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    row, allowed = find.by_identifier(tx, asked, needed(data, "certIdentifier"))
    return f"licence:{row.id}", find.told(row, allowed, asked.on)


def _query_by_holder(tx: Connection, asked: Call, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    kind = holder_type(data)
    code, type_code = needed(data, "holderCode", 64), needed(data, "certTypeCode", 40)
    found, allowed = find.by_holder(
        tx,
        asked,
        here().config.desk,
        code=code,
        code_type=kind,
        type_code=type_code,
        number=word(data, "certNo", 128),
    )
    listed = [find.told(row, allowed, asked.on) for row in found]
    return f"licence_type:{type_code}", {"licences": listed, "total": len(listed)}


def _query_by_qr(tx: Connection, asked: Call, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    row, allowed = find.by_id(tx, asked, _scanned(needed(data, "qrCode", 400)))
    return f"licence:{row.id}", find.told(row, allowed, asked.on)


def _scanned(code: str) -> uuid.UUID | None:
    """The licence that a QR code names: the whole address or only its last part."""
    tokens = here().config.tokens
    if tokens is None:
        raise Unavailable("本中心没有配置证照核验。")
    path = urlsplit(code).path if "/" in code else code
    found: uuid.UUID | None = tokens.read(path.rstrip("/").rsplit("/", 1)[-1])
    return found


def _annotate(tx: Connection, asked: Call, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """加注, and 获取下载地址: the same thing, a copy for the stated use."""
    row, _allowed = find.by_identifier(tx, asked, needed(data, "certIdentifier"))
    minutes = data.get("expiryTime")
    if minutes is not None and (not isinstance(minutes, int) or isinstance(minutes, bool)):
        raise Rejected("expiryTime 应为整数（分钟）。")
    copy_id, ends = hand_out.hand_out(
        tx,
        asked,
        row,
        form=word(data, "format", 10) or "pdf",
        minutes=minutes,
        remark=word(data, "remark", 100),
    )
    config = here().config
    if config.tokens is None or config.press is None:
        raise Unavailable("本中心没有配置制证，不能提供证照文件。")
    return f"licence:{row.id}", {
        "certificateIdentifier": row.identifier,
        "certificateCopyCreationTime": asked.at.strftime("%Y%m%dT%H%M%SZ"),
        "certificateCopyCreator": asked.department,
        "certificateCopyCause": asked.use,
        "certificateCopyExpiringTime": ends.strftime("%Y%m%dT%H%M%SZ"),
        "fileUrl": f"{config.desk.public_url}{PREFIX}/copies/{config.tokens.make(copy_id)}",
    }


def _check_fields(tx: Connection, asked: Call, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    row, allowed = find.by_identifier(tx, asked, needed(data, "certIdentifier"))
    said = data.get("fields")
    if not isinstance(said, Mapping) or not 1 <= len(said) <= MOST_FIELDS:
        raise Rejected(f"fields 应为 1 到 {MOST_FIELDS} 个要核对的“名称: 值”。")
    values = {str(name)[:64]: word(said, name, 2000) for name in said}
    verdicts = find.compared(row, allowed, here().config.desk, values)
    standing = find.standing_on(row, asked.on)
    everything = all(one == "same" for one in verdicts.values())
    return f"licence:{row.id}", {"same": everything, "fields": verdicts, "status": standing}


def _check_file(tx: Connection, asked: Call, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    del asked  # anybody may check a file: nothing is told that is not in it
    try:
        content = base64.b64decode(needed(data, "fileContent", LARGEST_FILE * 4 // 3 + 8), validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("fileContent 应为文件内容的 Base64。") from None
    if len(content) > LARGEST_FILE:
        raise Rejected(f"文件超过 {LARGEST_FILE >> 20} MiB。")
    inspector = here().config.inspector
    if inspector is None:
        raise Unavailable("本中心没有配置证照文件核验。")
    with tempfile.TemporaryDirectory(prefix="shenguan-check-") as folder:
        file = Path(folder) / "file"
        file.write_bytes(content)
        inspection = inspector.inspect(file)
    return f"file:{inspection.sha256.hex()}", _file_told(check_file(tx, inspection))


def _file_told(checked: Checked) -> dict[str, Any]:
    """`outcome` in the words of hub.licensing.checking.check_licence; what the file is, if it is one of ours."""
    told: dict[str, Any] = {
        "genuine": checked.genuine,
        "outcome": checked.outcome,
        "since": checked.since.isoformat() if checked.since else None,
        "why": checked.inspection.why if checked.inspection else "",
        "sha256": checked.inspection.sha256.hex() if checked.inspection else "",
    }
    if checked.licence:
        told |= {
            "certificateIdentifier": checked.licence.identifier,
            "certificateName": checked.licence.name,
            "certificateNumber": checked.licence.number,
            "form": checked.known_as,
        }
    if checked.copy:
        told |= {
            "certificateCopyCause": checked.copy.cause,
            "certificateCopyExpiringTime": checked.copy.expires_at.strftime("%Y%m%dT%H%M%SZ"),
        }
    return told


ACTS: Mapping[str, Act] = {
    "query-by-identifier": _query_by_identifier,
    "query-by-holder": _query_by_holder,
    "query-by-qr": _query_by_qr,
    "download-address": _annotate,
    "annotate": _annotate,
    "check-fields": _check_fields,
    "check-file": _check_file,
}
