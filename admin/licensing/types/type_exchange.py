"""A licence type's design as one JSON file: taken from one hub (a test system), brought into another one's draft.

Guarantees: the file holds everything the face needs, its pictures too; what is brought in is checked like what an editor
posts, its pictures by content and by their SHA-256; nothing is published by it. A provider is not taken along: departments
differ between hubs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.catalogue.waiting_book import WaitingBooks
from admin.licensing.types.type_images import Looked, files, looked_at
from hub.catalogue.compare import Change
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.texts import line
from hub.errors import Rejected
from hub.licensing.types.draft_licence_type import licence_type_changes
from hub.licensing.types.layout import layout_dict
from hub.licensing.types.licence_images import image_facts, images_named, images_of
from hub.licensing.types.published_type import PublishedType
from hub.licensing.types.save_licence_type import Standing, checked_licence_type, standing_licence_type
from schemas import Malformed, loads

FORMAT = "shenguan-licence-design/1"
HEADER = ("sharing", "sharing_conditions", "sharing_basis", "consent_required")
MOST_IMAGES = 20


class WaitingDesigns(WaitingBooks):
    """Design files between their preview and their import."""

    ending = "json"


@dataclass(frozen=True, slots=True)
class Brought:
    """A design file, read and checked."""

    code: str
    name: str
    header: Mapping[str, Any]
    design: Mapping[str, Any]  # rules, fields, layout as they will be kept
    images: tuple[Looked, ...]


def taken(tx: Connection, row: Any, type_: PublishedType) -> dict[str, Any]:
    """The file's content."""
    names = {one.sha256.hex(): one.name for one in images_of(tx, row.code)}
    return {
        "format": FORMAT,
        "code": row.code,
        "name": row.name,
        "version": type_.number,
        "header": {key: getattr(row, key) for key in HEADER},
        "rules": type_.rules.as_dict(),
        "fields": [one.as_dict() for one in type_.fields],
        "layout": layout_dict(type_.layout),
        "images": [
            {"sha256": sha256, "name": names.get(sha256, "image"), "data": _opened(facts)}
            for sha256, facts in image_facts(tx, type_.layout).items()
        ],
    }


def _opened(facts: Any) -> str:
    with files().open(facts) as opened:
        return base64.b64encode(b"".join(opened)).decode()


def read_file(raw: bytes) -> Brought:
    """What a file says, checked. Raises Rejected (Faulty) with every fault."""
    try:
        said = loads(raw)
    except Malformed as error:
        raise Rejected(gettext("文件不是有效的设计文件：%(why)s", why=str(error))) from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise Rejected(gettext("这不是证照类型的设计文件。请用“导出设计”得到的 JSON 文件。"))
    code, name = line(said.get("code")), line(said.get("name"))
    if not code or not name:
        raise Rejected(gettext("设计文件里没有证照类型的代码或名称。"))
    empty = Standing(None, 0, "", {}, [], {})
    parts = {key: said.get(key) for key in ("rules", "fields", "layout")}
    clean = checked_licence_type(parts, empty)
    images = _images(said.get("images"))
    have = {hashlib.sha256(one.content).hexdigest() for one in images}
    if missing := images_named(clean.layout) - have:
        raise Rejected(gettext("设计文件里少 %(n)s 张图片，请重新导出。", n=len(missing)))
    header = said.get("header") if isinstance(said.get("header"), dict) else {}
    design = {
        "rules": clean.rules.as_dict(),
        "fields": [one.as_dict() for one in clean.fields],
        "layout": layout_dict(clean.layout),
    }
    return Brought(code, name, {key: header.get(key) for key in HEADER if key in header}, design, images)


def _images(raw: Any) -> tuple[Looked, ...]:
    if not isinstance(raw, list) or len(raw) > MOST_IMAGES:
        raise Rejected(gettext("设计文件里的图片读不出来，或超过 %(n)s 张。", n=MOST_IMAGES))
    found = []
    for one in raw:
        try:
            content = base64.b64decode(one["data"], validate=True)
            name, sha256 = str(one["name"])[:200], str(one["sha256"])
        except (TypeError, KeyError, ValueError, binascii.Error) as error:
            raise Rejected(gettext("设计文件里有一张图片读不出来，请重新导出。")) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Rejected(gettext("图片“%(name)s”的内容被改过，与校验值不符。请重新导出。", name=name[:40]))
        found.append(looked_at(content, name))
    return tuple(found)


def standing_or_none(tx: Connection, code: str) -> Standing | None:
    """How the type of this code stands here; None: it is not in the catalogue."""
    row = tx.execute(select(*LicenceType.__table__.c).where(LicenceType.code == code)).first()
    return standing_licence_type(tx, row) if row is not None else None


def differences(now: Standing | None, design: Mapping[str, Any]) -> list[Change]:
    """What bringing it in would change."""
    after = Standing(None, 0, "", design["rules"], design["fields"], design["layout"])
    return licence_type_changes(now if now is not None and now.state else None, after)
