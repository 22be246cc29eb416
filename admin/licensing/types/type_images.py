"""Pictures of licence types: looked at by content, stored sealed, kept with their type, shown to who may see it.

Guarantees: PNG and JPEG up to 5 MiB that pass the checks of everything that is taken in; the same bytes are stored once, the
newcomer's object is deleted. Storing happens without a transaction; what nobody refers to is swept.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.premises import actor, here
from hub.add_material import StoredFacts
from hub.errors import Rejected, Unavailable
from hub.licensing.types.licence_images import IMAGE_TYPES, add_image, images_of
from hub.material import StoredObject
from hub.upload_rules import clean_name
from storage.intake.images import size_of
from storage.intake.kinds import look

LARGEST_IMAGE = 5 << 20


@dataclass(frozen=True, slots=True)
class Looked:
    """A picture whose content was looked at."""

    content: bytes
    name: str
    media_type: str
    width: int
    height: int


def looked_at(content: bytes, name: str) -> Looked:
    """What a picture is. Raises Rejected with a sentence."""
    if len(content) > LARGEST_IMAGE:
        raise Rejected(gettext("图片不能超过 5 MB。请缩小后再上传。"))
    name = clean_name(name)
    media_type = look(io.BytesIO(content), name).kind.media_type
    if media_type not in IMAGE_TYPES:
        raise Rejected(gettext("照面图片只收 PNG 和 JPEG。请转换后再上传。"))
    width, height = size_of(io.BytesIO(content), name)
    return Looked(content, name, media_type, width, height)


def put(found: Looked) -> StoredFacts:
    """Store it sealed. Raises Unavailable."""
    stored = files().put(io.BytesIO(found.content), media_type=found.media_type)
    return StoredFacts(stored.sha256, stored.object_name, stored.size, stored.wrapped_key)


def add(tx: Connection, code: str, found: Looked, kept: StoredFacts) -> Any:
    """Keep it with the type; the row of it."""
    add_image(
        tx,
        code,
        kept,
        name=found.name,
        media_type=found.media_type,
        width=found.width,
        height=found.height,
        actor=actor(),
    )
    stands = tx.scalar(select(StoredObject.object_name).where(StoredObject.sha256 == kept.sha256))
    if stands != kept.object_name:  # the same bytes were there already
        files().delete(kept.object_name)
    return next(one for one in images_of(tx, code) if one.sha256 == kept.sha256)


def image_told(code: str, image: Any) -> dict[str, Any]:
    """A picture, for the script."""
    sha256 = image.sha256.hex()
    return {
        "sha256": sha256,
        "name": image.name,
        "width": image.width,
        "height": image.height,
        "url": url_for("LicenceDesignView.image", code=code, sha256=sha256),
    }


def files() -> Any:
    """Where files are kept. Raises Unavailable where this hub keeps none."""
    if here().config.files is None:
        raise Unavailable(gettext("本中心没有配置文件存储。"))
    return here().config.files
