"""The pictures of a licence type: backgrounds, emblems, images of seals. Stored sealed before they come here.

Guarantees: the same picture is kept once per type; a layout that names a picture that is not there is refused by element.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, insert, select

from hub.add_material import StoredFacts, keep_object
from hub.catalogue.faults import Fault
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.texts import line
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.licensing.face import ImageFacts, Layout
from hub.licensing.types.type_version import LicenceImage
from hub.material import StoredObject

MOST_IMAGES = 50
IMAGE_TYPES = ("image/png", "image/jpeg")


def add_image(
    tx: Connection,
    type_code: str,
    stored: StoredFacts,
    *,
    name: str,
    media_type: str,
    width: int,
    height: int,
    actor: str,
) -> uuid.UUID:
    """Keep a picture with its type; its id. Raises NotFound, Rejected, Conflict."""
    if media_type not in IMAGE_TYPES:
        raise Rejected("照面图片只收 PNG 和 JPEG。请转换后再上传。")
    held = select(LicenceType.code).where(LicenceType.code == type_code).with_for_update(key_share=True)
    if tx.execute(held).first() is None:
        raise NotFound(f"目录里没有代码为 {type_code[:40]} 的证照类型。")
    known = {row.sha256: row.id for row in images_of(tx, type_code)}
    if stored.sha256 in known:
        return uuid.UUID(str(known[stored.sha256]))
    if len(known) >= MOST_IMAGES:
        raise Conflict(f"一种证照至多 {MOST_IMAGES} 张图片。请沿用已有的图片。")
    keep_object(tx, stored)
    image = uuid.uuid4()
    facts = {"name": line(name)[:200] or "图片", "media_type": media_type, "width": width, "height": height}
    tx.execute(
        insert(LicenceImage).values(
            id=image, type_code=type_code, sha256=stored.sha256, added_by=actor, **facts
        )
    )
    detail = {**facts, "sha256": stored.sha256.hex(), "size": stored.size}
    record(tx, Entry(actor, "licence_type.image_added", f"licence_type:{type_code}", detail=detail))
    return image


def images_of(tx: Connection, type_code: str) -> list[Any]:
    """The pictures of a type, newest first."""
    return list(
        tx.execute(
            select(*LicenceImage.__table__.c)
            .where(LicenceImage.type_code == type_code)
            .order_by(LicenceImage.added_at.desc(), LicenceImage.id)
        )
    )


def images_named(layout: Layout) -> set[str]:
    """SHA-256 in hex of every picture that a layout places."""
    return {one for one in (layout.background, *(element.image for element in layout.elements)) if one}


def image_facts(tx: Connection, layout: Layout) -> dict[str, ImageFacts]:
    """What storage needs to open the pictures of a layout; those that are not stored are left out."""
    named = [bytes.fromhex(one) for one in images_named(layout)]
    if not named:
        return {}
    rows = tx.execute(
        select(*StoredObject.__table__.c, LicenceImage.media_type)
        .join(LicenceImage, LicenceImage.sha256 == StoredObject.sha256)
        .where(StoredObject.sha256.in_(named))
    )
    return {
        row.sha256.hex(): ImageFacts(row.sha256, row.object_name, row.size, row.wrapped_key, row.media_type)
        for row in rows
    }


def image_faults(tx: Connection, type_code: str, layout: Layout) -> list[Fault]:
    """The elements whose picture is not one of this type's."""
    known = {row.sha256.hex() for row in images_of(tx, type_code)}
    return list(_missing(layout, known))


def _missing(layout: Layout, known: set[str]) -> Iterator[Fault]:
    said = "不在本类型的图片中。请重新选择或上传。"
    if layout.background and layout.background not in known:
        yield Fault("layout", 0, "background", f"照面的背景图{said}")
    for number, one in enumerate(layout.elements, 1):
        if one.image and one.image not in known:
            yield Fault("layout", number, "image", f"第 {number} 个元素（{one.id}）的图片{said}")
