"""Small worlds for the model test of reuse: generated catalogues, sources, grants and holds, and their rows.

The oracle (`why_not`) is written from the issue's sentences, source by source, without looking at the engine.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Connection, insert, update

from hub.case import Case, Decision
from hub.catalogue.item_version import ItemVersion, Requirement, StandIn
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.material_type import MaterialType
from hub.department import Department
from hub.item import ServiceItem
from hub.licensing.licence import STATUSES, Hold, Licence
from hub.material import MATERIAL_STATES, SIGNATURE_STATES, Material, StoredObject
from hub.party import Party
from hub.reuse.consent import Consent
from hub.sharing.grant import GRANT_STATES, Grant
from hub.sharing.objection import OBJECTION_STATES, Objection

DEPARTMENTS = ("one", "two", "three")
MATERIALS, LICENCES, RESULTS = ("T0", "T1"), ("L0",), ("R0",)
ITEM = "I0"
DAYS = (-2, -1, 0, 1, 2)
CASE = "CASE-0"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Resource:
    """A type or a result in the catalogue."""

    sharing: str
    consent: bool = False
    accepts_from: int = 1
    lenient: bool = False


@dataclass(frozen=True)
class Paper:
    """A licence of a decided case: how it stands and who holds it."""

    status: str
    start: int
    end: int | None
    held_by: frozenset[str]


@dataclass(frozen=True)
class Source:
    """Anything on file. What does not apply to its kind is not looked at."""

    kind: str  # material, licence, result
    code: str
    owner: str | None
    party: int
    state: str
    signature: str
    version: int
    start: int | None
    end: int | None
    own_case: bool
    result_type: str
    papers: tuple[Paper, ...]
    objection: str | None
    id: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True)
class Permit:
    """A grant in whatever state."""

    kind: str
    code: str
    department: str
    state: str
    start: int
    length: int
    items: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """Everything that a question depends on."""

    resources: dict[tuple[str, str], Resource]
    lines: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    sources: tuple[Source, ...]
    permits: tuple[Permit, ...]
    department: str
    consent: bool


def _one(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def _often(good: Any, *rest: Any) -> st.SearchStrategy[Any]:
    """Mostly `good`: a world in which nothing ever is allowed finds no mistakes."""
    return st.sampled_from([good] * (5 * len(rest)) + list(rest))


_RESOURCES = [*(("material", c) for c in MATERIALS), *(("licence", c) for c in LICENCES)]
_RESOURCES += [("result", code) for code in RESULTS]
_SHARING = _often("conditional", "unconditional", "none")
_RESOURCE = st.builds(Resource, _SHARING, _often(False, True), _one(1, 1, 2, 3), st.booleans())
_PAPER = st.builds(
    Paper,
    _often("01", *STATUSES[1:]),
    _often(-2, *DAYS),
    _often(None, *DAYS),
    _often(frozenset(), frozenset({"two"}), frozenset({"one", "three"})),
)
_SOURCE = _one(*_RESOURCES).flatmap(
    lambda resource: st.builds(
        Source,
        kind=st.just(resource[0]),
        code=st.just(resource[1]),
        owner=_one("one", "two", "two", "three", None),
        party=_often(0, 1),
        state=_often("usable", *MATERIAL_STATES),
        signature=_one("valid", "invalid", *SIGNATURE_STATES),
        version=_one(1, 2, 3),
        start=_often(None, *DAYS),
        end=_often(None, *DAYS),
        own_case=_often(False, True),
        result_type=_often("0", "6", "1", "2"),
        papers=st.lists(_PAPER, min_size=resource[0] == "licence", max_size=2).map(tuple),
        objection=st.none() | _one(*OBJECTION_STATES),
    )
)
_PERMIT = _one(*_RESOURCES).flatmap(
    lambda resource: st.builds(
        Permit,
        st.just(resource[0]),
        st.just(resource[1]),
        _often("one", "two", "three"),
        _often("granted", *GRANT_STATES),
        _often(-2, *DAYS),
        _one(0, 1, 2, 3, 9),
        _one((), (ITEM,), ("R0",), ("R0", ITEM)),
    )
)
_LINE = st.tuples(_one(*MATERIALS), st.lists(_one(*_RESOURCES), max_size=4, unique=True).map(tuple))
WORLDS = st.builds(
    World,
    st.fixed_dictionaries(dict.fromkeys(_RESOURCES, _RESOURCE)),
    st.lists(_LINE, min_size=1, max_size=2).map(tuple),
    st.lists(_SOURCE, min_size=1, max_size=6).map(tuple),
    st.lists(_PERMIT, min_size=1, max_size=8).map(tuple),
    _often("one", "two"),
    st.booleans(),
)


def on_file(world: World, source: Source) -> bool:
    """Whether a clerk is shown it at all: this party's, of an earlier case, neither pending, superseded nor discarded."""
    if source.party != 0 or source.own_case:
        return False
    if source.kind == "material":
        return source.state in ("usable", "revoked")
    return source.kind == "licence" or source.result_type in ("0", "6")


def why_not(world: World, source: Source) -> set[str]:
    """Everything that speaks against it, naively; empty where it must be offered."""
    resource, reasons = world.resources[source.kind, source.code], set()
    if source.kind == "material":
        if source.state == "revoked":
            reasons.add("revoked")
        if source.end is not None and source.end < 0:
            reasons.add("expired")
        if source.start is not None and source.start > 0:
            reasons.add("not_yet_valid")
        if source.version < resource.accepts_from:
            reasons.add("wrong_version")
        if source.signature == "invalid" and not resource.lenient:
            reasons.add("bad_signature")
    elif source.papers:
        paper = source.papers[-1]
        if paper.status == "02" or paper.held_by:
            reasons.add("frozen")
        if paper.status in ("03", "07"):
            reasons.add("revoked")
        if paper.status in ("04", "05", "06", "99"):
            reasons.add("ended")
        if paper.end is not None and paper.end < 0:
            reasons.add("expired")
        if paper.start > 0:
            reasons.add("not_yet_valid")
    if source.owner != world.department:
        if resource.sharing == "none":
            reasons.add("not_shared")
        if not any(_permits(world, permit, source) for permit in world.permits):
            reasons.add("not_granted")
    return reasons


def _permits(world: World, permit: Permit, source: Source) -> bool:
    return (
        permit.state == "granted"
        and permit.department == world.department
        and (permit.kind, permit.code) == (source.kind, source.code)
        and permit.start <= 0 <= permit.start + permit.length
        and (not permit.items or ITEM in permit.items)
    )


def meets(world: World, place: int, source: Source) -> bool:
    """Whether it is of a type that the line at this place accepts."""
    own, instead = world.lines[place]
    return (source.kind, source.code) in {("material", own), *instead}


def build(tx: Connection, world: World, now: datetime, day: date) -> tuple[uuid.UUID, uuid.UUID]:
    """The rows; gives the party's id and the version's."""
    parties = [_party(tx, number) for number in (0, 1)]
    tx.execute(insert(Department), [{"code": c, "name": c, "roles": ["approving"]} for c in DEPARTMENTS])
    _catalogue(tx, world)
    version = _version(tx, world)
    _case(tx, CASE, parties[0], ITEM, world.department, state="preparing", item_version_id=version)
    tx.execute(insert(StoredObject).values(sha256=bytes(32), object_name="o", size=1, wrapped_key=b"k"))
    for number, source in enumerate(world.sources):
        case_no = CASE if source.own_case else f"CASE-{number + 1}"
        if not source.own_case:
            _case(tx, case_no, parties[source.party], _item(source), source.owner)
        _source(tx, source, case_no, parties[0 if source.own_case else source.party], now, day)
    open_ = set()
    for permit in world.permits:
        seat = (permit.kind, permit.code, permit.department)
        if permit.state not in ("applied", "reviewed") or seat not in open_:
            _permit(tx, permit, day)
        if permit.state in ("applied", "reviewed"):
            open_.add(seat)  # of one resource a department has one open application
    if world.consent:
        given = {"way": "signed", "given_by": "甲", "recorded_by": "user:test"}
        tx.execute(insert(Consent).values(id=uuid.uuid4(), party_id=parties[0], case_no=CASE, **given))
    return parties[0], version


def _item(source: Source) -> str:
    return source.code if source.kind == "result" else "R0"


def _party(tx: Connection, number: int) -> uuid.UUID:
    id_ = uuid.uuid4()
    tx.execute(
        insert(Party).values(
            id=id_, kind="legal", name=f"P{number}", code_type="001", code_digest=bytes([number]) * 32
        )
    )
    return id_


def _catalogue(tx: Connection, world: World) -> None:
    for (kind, code), one in world.resources.items():
        shared = {"sharing": one.sharing, "sharing_basis": "依据" if one.sharing == "none" else ""}
        row = {"code": code, "name": code, **shared}
        if kind == "material":
            row |= {"accepts_from": one.accepts_from, "consent_required": one.consent}
            row |= {"on_bad_signature": "flag" if one.lenient else "refuse", "published_version": 3}
            tx.execute(insert(MaterialType).values(row))
        elif kind == "licence":
            tx.execute(insert(LicenceType).values(row | {"consent_required": one.consent}))
        else:
            tx.execute(insert(ServiceItem).values(row))
    tx.execute(insert(ServiceItem).values(code=ITEM, name=ITEM))


def _version(tx: Connection, world: World) -> uuid.UUID:
    version = uuid.uuid4()
    made = {"item_code": ITEM, "number": 1, "created_by": "user:test"}
    tx.execute(insert(ItemVersion).values(id=version, **made))
    columns = {"material": "material_type", "licence": "licence_type", "result": "item_code"}
    for place, (own, instead) in enumerate(world.lines):
        line = uuid.uuid4()
        tx.execute(
            insert(Requirement).values(
                id=line, version_id=version, code=f"M{place}", seq=place, name=f"M{place}", material_type=own
            )
        )
        for seq, (kind, code) in enumerate(instead):
            row = {"id": uuid.uuid4(), "requirement_id": line, "seq": seq, "kind": kind, columns[kind]: code}
            tx.execute(insert(StandIn).values(row))
    published = {
        "state": "published",
        "published_by": "user:test",
        "published_at": LONG_AGO,
    }
    tx.execute(update(ItemVersion).where(ItemVersion.id == version).values(published))
    return version


def _case(
    tx: Connection, case_no: str, party: uuid.UUID, item: str, department: str | None, **more: Any
) -> None:
    row = {
        "case_no": case_no,
        "name": case_no,
        "item_code": item,
        "party_id": party,
        "department": department,
    }
    row |= {"org_code": "X", "org_name": "X", "area_code": "990101", "source": "window"}
    tx.execute(insert(Case).values({**row, **more}))


def _source(tx: Connection, source: Source, case_no: str, party: uuid.UUID, now: datetime, day: date) -> None:
    if source.kind == "material":
        tx.execute(
            insert(Material).values(
                id=source.id,
                party_id=party,
                case_no=case_no,
                type_code=source.code,
                type_version=source.version,
                department=source.owner,
                state=source.state,
                sha256=bytes(32),
                name="某材料",
                media_type="application/pdf",
                valid_from=None if source.start is None else day + timedelta(days=source.start),
                valid_to=None if source.end is None else day + timedelta(days=source.end),
                signature_state=source.signature,
                created_at=now,
            )
        )
    elif source.kind == "licence":
        _paper(tx, source.papers[-1], case_no, party, day, 0, id_=source.id, code=source.code)
    elif not source.own_case:
        made = {"org_code": "X", "document_no": case_no, "document_name": "决定", "explanation": ""}
        made |= {"elements": {}, "content_hash": bytes(32), "decided_by": "X", "decided_on": day}
        row = {"id": source.id, "case_no": case_no, "result_type": source.result_type, **made}
        tx.execute(insert(Decision).values(row))
        for number, paper in enumerate(source.papers):
            _paper(tx, paper, case_no, party, day, number, id_=uuid.uuid4(), code="OTHER")
    if source.objection and source.kind in ("material", "licence"):
        doubted = {f"{source.kind}_id": source.id, "statement": "疑", "raised_by": "u", "answer_by": now}
        tx.execute(insert(Objection).values(id=uuid.uuid4(), state=source.objection, **doubted))


def _paper(
    tx: Connection,
    paper: Paper,
    case_no: str,
    party: uuid.UUID,
    day: date,
    number: int,
    *,
    id_: uuid.UUID,
    code: str,
) -> None:
    """The later one of a case is issued later."""
    tx.execute(
        insert(Licence).values(
            id=id_,
            identifier=str(id_),
            case_no=case_no,
            party_id=party,
            name="某证照",
            number="1",
            type_code=code,
            issuer_code="X",
            issuer_name="X",
            issued_on=day - timedelta(days=30 - number),
            valid_from=day + timedelta(days=paper.start),
            valid_to=None if paper.end is None else day + timedelta(days=paper.end),
            status=paper.status,
        )
    )
    held = datetime.now().astimezone()
    for department in paper.held_by:
        row = {"id": uuid.uuid4(), "licence_id": id_, "department": department, "placed_by": uuid.uuid4()}
        tx.execute(insert(Hold).values(placed_at=held, **row))
    # A hold that was lifted is nothing.
    row = {"id": uuid.uuid4(), "licence_id": id_, "department": "three", "placed_by": uuid.uuid4()}
    tx.execute(insert(Hold).values(placed_at=held, lifted_at=held, **row))


def _permit(tx: Connection, permit: Permit, day: date) -> None:
    start = day + timedelta(days=permit.start)
    row = {"resource_kind": permit.kind, "resource_code": permit.code, "department": permit.department}
    row |= {"state": permit.state, "item_codes": list(permit.items), "sharing": "conditional"}
    row |= {"basis": "x", "scene": "x", "scope": "x", "applied_by": "u", "end_reason": "x"}
    row |= {"period_from": start, "period_to": start + timedelta(days=permit.length), "reply_by": start}
    tx.execute(insert(Grant).values(id=uuid.uuid4(), **row))
