"""Save everything that an editor or a sheet says of an item, at once, into its draft.

Guarantees: all faults of all parts are told together; nothing is saved unless everything can be; what another person saved
in the meantime is never overwritten unseen (`seen` is the stamp of what the editor was shown).
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select

from hub.catalogue import compare
from hub.catalogue.check_item import Known, known, reference_faults
from hub.catalogue.draft_item import (
    ITEM_CODE,
    draft_item,
    locked_item,
    set_form,
    set_header,
    set_requirements,
)
from hub.catalogue.faults import Fault, Faulty, refuse
from hub.catalogue.fields import FieldDef, parse_defs
from hub.catalogue.item_header import header_of, must_of, parse_header
from hub.catalogue.item_lines import Line, tried_lines
from hub.catalogue.item_version import ItemVersion
from hub.catalogue.line_rows import read_lines
from hub.errors import Conflict, Rejected
from hub.item import ServiceItem
from hub.ledger import Entry, record
from schemas import canonical


@dataclass(frozen=True, slots=True)
class Standing:
    """What an item says now: its draft, else what is published, else what was, else only its header."""

    version_id: uuid.UUID | None
    number: int
    state: str  # of the version shown; "" where there is none
    header: Mapping[str, Any]
    form: tuple[Mapping[str, Any], ...] = ()
    lines: tuple[Line, ...] = field(default=())

    @property
    def stamp(self) -> str:
        """Changes when what is shown changes."""
        said = compare.content(self.header, self.lines, self.form)
        told = [str(self.version_id), said.header, said.lines, said.fields]
        return hashlib.sha256(canonical(told)).hexdigest()[:32]


def standing_item(tx: Connection, item: Any) -> Standing:
    """What to show in the editor of an item (a row of service_items)."""
    versions = tx.execute(
        select(*ItemVersion.__table__.c)
        .where(ItemVersion.item_code == item.code)
        .order_by(ItemVersion.number.desc())
    ).all()
    found = shown_version(versions)
    return standing_of(item, found, read_lines(tx, found.id) if found else ())


def shown_version(versions: Sequence[Any]) -> Any:
    """Of an item's versions, the one that stands: its draft, else what is published, else the last; None: it has none."""
    order = {"draft": 0, "published": 1}
    return min(versions, key=lambda one: (order.get(one.state, 2), -one.number), default=None)


def standing_of(item: Any, found: Any, lines: tuple[Line, ...]) -> Standing:
    """What an item says in the version that stands, with its lines."""
    if found is None:
        return Standing(None, 0, "", header_of(item))
    header = found.header if found.state == "draft" else header_of(item)
    header = {**header, **must_of(found)}
    return Standing(found.id, found.number, found.state, header, tuple(found.form), lines)


def add_item(tx: Connection, *, code: str, name: str, actor: str) -> None:
    """A new item, with nothing published yet."""
    code, name = new_item(code, name)
    taken = tx.execute(
        select(ServiceItem.code).where((ServiceItem.code == code) | (ServiceItem.name == name))
    ).scalar()
    if taken:
        raise item_taken(code, name, taken)
    tx.execute(insert(ServiceItem).values(code=code, name=name))
    record(tx, item_added(code, name, actor))


def new_item(code: str, name: str) -> tuple[str, str]:
    """Code and name as they are stored. Raises Rejected with what would be right."""
    code, name = code.strip(), " ".join(name.split())
    if not re.fullmatch(ITEM_CODE, code):
        raise Rejected("事项编码只含数字、字母、连字符，3 到 40 位。")
    if not 1 <= len(name) <= 200:
        raise Rejected("请填写事项名称，至多 200 字。")
    return code, name


def item_taken(code: str, name: str, by: str) -> Conflict:
    """What is said where another item has the code or the name."""
    return Conflict(f"事项编码 {code} 或名称“{name}”已经登记（{by}）。")


def item_added(code: str, name: str, actor: str) -> Entry:
    """For the ledger."""
    return Entry(actor, "item.added", f"item:{code}", detail={"name": name})


def save_item(
    tx: Connection, item_code: str, said: Mapping[str, Any], *, actor: str, seen: str | None = None
) -> uuid.UUID:
    """Save `said` (header, form, lines: each may be left out) into the draft; the draft's id."""
    item = locked_item(tx, item_code)
    now = standing_item(tx, item)
    if seen is not None and seen != now.stamp:
        raise Conflict(
            "这个事项刚被别人改过。请重新打开本页，在新内容上再改；您刚才填的内容仍在下面，可以抄回。"
        )
    header, form, lines = checked_item(tx, said, now.header)
    draft = draft_item(tx, item_code, actor=actor)
    if header is not None:
        set_header(tx, draft, header, actor=actor)
    if form is not None:
        set_form(tx, draft, form, actor=actor)
    if lines is not None:
        set_requirements(tx, draft, lines, actor=actor)
    return draft


def checked_item(
    tx: Connection,
    said: Mapping[str, Any],
    header: Mapping[str, Any],
    entries: Known | None = None,
) -> tuple[dict[str, Any] | None, tuple[FieldDef, ...] | None, tuple[Line, ...] | None]:
    """The three parts, clean; Faulty with the faults of all of them. `entries`: what is known already of the catalogue."""
    faults: list[Fault] = []
    clean: dict[str, Any] | None = None
    form: tuple[FieldDef, ...] | None = None
    lines: tuple[Line, ...] | None = None
    if "header" in said:
        clean, wrong = parse_header({**header, **said["header"]})
        faults += wrong
    try:
        form = parse_defs(said["form"], "form") if "form" in said else None
    except Faulty as error:
        faults += error.faults
    if "lines" in said:
        lines, wrong = tried_lines(said["lines"])
        faults += [*wrong, *reference_faults(entries or known(tx, lines), lines)]
    refuse(faults)
    return clean, form, lines
