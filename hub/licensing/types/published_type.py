"""What licences are issued by: one version of a licence type, read once by a process and kept.

Guarantees: a version that is no draft never changes (the database refuses it), so it is kept, the least recently used
forgotten first; a draft is read anew each time. Which version is published is asked every time.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Connection

from hub.catalogue.fields import FieldDef, parse_defs
from hub.errors import NotFound
from hub.licensing.face import ImageFacts, Layout
from hub.licensing.types.layout import parse_layout
from hub.licensing.types.licence_images import image_facts
from hub.licensing.types.type_rules import TypeRules, kept_rules
from hub.round_trips import ask

CACHED = 500


@dataclass(frozen=True, slots=True)
class PublishedType:
    """One version of a licence type: how its licences are numbered, what they say, how they look."""

    code: str
    name: str
    number: int  # of the version
    rules: TypeRules
    fields: tuple[FieldDef, ...]
    layout: Layout
    images: Mapping[str, ImageFacts] = field(default_factory=dict)  # SHA-256 in hex -> picture


_PUBLISHED = """
SELECT t.name, v.id, t.active FROM licence_types t
LEFT JOIN licence_type_versions v ON v.type_code = t.code AND v.state = 'published'
WHERE t.code = %(code)s
"""
_NUMBERED = "SELECT id FROM licence_type_versions WHERE type_code = %(code)s AND number = %(number)s"
#: What was published in this very transaction may still be rolled back and become a draft again: not to be kept.
_VERSION = """
SELECT type_code, number, rules, fields, layout, state <> 'draft' AND published_at < now()
FROM licence_type_versions WHERE id = %(id)s
"""
_known: OrderedDict[uuid.UUID, PublishedType] = OrderedDict()
_guard = Lock()


def published_licence_type(tx: Connection, code: str) -> PublishedType:
    """What a licence of this type is issued by today. Raises NotFound where nothing is published."""
    found = ask(tx, (_PUBLISHED, {"code": code}))[0]
    if not found:
        raise NotFound(f"目录里没有代码为 {code[:40]} 的证照类型。请数据管理员先在“证照类型”中新增。")
    name, version_id, active = found[0]
    if not active:
        raise NotFound(f"证照类型“{name}”已停用，不能签发。需要时请数据管理员在“证照类型”中启用。")
    if version_id is None:
        raise NotFound(f"证照类型“{name}”没有已发布的版本，不能签发。请数据管理员在“证照类型”中设计并发布。")
    return licence_type_version(tx, version_id)


def numbered_licence_type(tx: Connection, code: str, number: int) -> PublishedType:
    """The version that a licence was issued by, whatever became of it since. Raises NotFound."""
    found = ask(tx, (_NUMBERED, {"code": code, "number": number}))[0]
    if not found:
        raise NotFound(f"没有证照类型 {code[:40]} 的第 {number} 版。")
    return licence_type_version(tx, found[0][0])


def licence_type_version(tx: Connection, version_id: uuid.UUID) -> PublishedType:
    """One version, whatever its state. Raises NotFound."""
    with _guard:
        kept = _known.get(version_id)
        if kept is not None:
            _known.move_to_end(version_id)
            return kept
    rows = ask(tx, (_VERSION, {"id": version_id}))[0]
    if not rows:
        raise NotFound("没有这个版本，可能草稿已被丢弃。请回到证照类型重新打开。")
    code, number, raw_rules, raw_fields, raw_layout, stands = rows[0]
    fields, rules = parse_defs(raw_fields), kept_rules(raw_rules)
    layout = parse_layout(raw_layout, fields)
    found = PublishedType(code, rules.name, number, rules, fields, layout, image_facts(tx, layout))
    if stands:
        with _guard:
            _known[version_id] = found
            while len(_known) > CACHED:
                _known.popitem(last=False)
    return found


def forget() -> None:
    """Forget what is kept; for tests that measure."""
    with _guard:
        _known.clear()
