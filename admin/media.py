"""What kind of file a form's upload is: by its content, held to the same checks as everything that is taken in."""

from __future__ import annotations

from typing import IO, cast

from werkzeug.datastructures import FileStorage

from hub.errors import Rejected
from hub.upload_rules import ENDINGS, clean_name, ending_of
from storage.intake.kinds import look


def refuse_unknown(name: str) -> str:
    """The ending of an allowed file name, else Rejected."""
    ending = ending_of(clean_name(name))
    if ending not in ENDINGS:
        raise Rejected(f"文件“{name[:60]}”的类型不在允许范围内。可上传：{'、'.join(ENDINGS)}。")
    return ending


def media_type_of(upload: FileStorage) -> str:
    """The media type by content; a file that is not what its name says, or harmful, is refused."""
    name = clean_name(upload.filename or "")
    stream = cast(IO[bytes], upload.stream)
    found = look(stream, name)
    stream.seek(0)
    return found.kind.media_type
