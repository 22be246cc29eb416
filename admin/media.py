"""What kind of file an upload is: by its ending, and by its first bytes where these can tell."""

from __future__ import annotations

from werkzeug.datastructures import FileStorage

from hub.errors import Rejected

KINDS = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "ofd": "application/ofd",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "txt": "text/plain",
    "zip": "application/zip",
}
_FIRST_BYTES = {
    "pdf": b"%PDF-",
    "png": b"\x89PNG\r\n\x1a\n",
    "jpg": b"\xff\xd8\xff",
    "jpeg": b"\xff\xd8\xff",
    "ofd": b"PK",
    "docx": b"PK",
    "xlsx": b"PK",
    "zip": b"PK",
}


def refuse_unknown(name: str) -> str:
    """The ending of an allowed file name, else Rejected."""
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    if ending not in KINDS:
        raise Rejected(f"文件“{name[:60]}”的类型不在允许范围内。可上传：{'、'.join(KINDS)}。")
    return ending


def media_type_of(upload: FileStorage) -> str:
    """The media type; a file that is not what its ending says is refused."""
    ending = refuse_unknown(upload.filename or "")
    first = _FIRST_BYTES.get(ending)
    if first is not None:
        seen = upload.stream.read(len(first))
        upload.stream.seek(0)
        if seen != first:
            raise Rejected(
                f"文件“{(upload.filename or '')[:60]}”的内容与扩展名 .{ending} 不符，请核对后重新上传。"
            )
    return KINDS[ending]
