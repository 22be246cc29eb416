"""Trace: the whole life of one case in one list, by time, told by families: steps, pushes, receipts, findings, notices, ...

Guarantees: however long the case's life was, it is one round trip after the case is found; lines of the same moment have
a fixed order; a viewer confined to a department sees and counts only what is that department's, beside the decision itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from hub.advice.thread import AdvicePost, AdviceThread
from hub.case import Case, Decision
from hub.deciding.revision import DecisionRevision
from hub.errors import NotFound
from hub.feedback.finding import Finding
from hub.feedback.light import PartyLight
from hub.licensing.licence import Licence
from hub.material import Material
from hub.party import Party
from hub.pushing.push import Push
from hub.pushing.withhold import masked_text
from hub.round_trips import ask
from hub.tracing import (
    trace_case,
    trace_exchange,
    trace_feedback,
    trace_licence,
    trace_notices,
    trace_push,
    trace_told,
    trace_window,
)
from hub.tracing.gathering import (
    NAMES,
    SENT,
    TAKEN,
    Answer,
    Family,
    Gathering,
    columns,
    mapped,
    sent_of,
    taken_of,
)
from hub.tracing.trace_line import FAMILIES, TraceLine

#: In this order; what a later one says of a message may rest on what an earlier one said.
TOLD_BY: tuple[Family, ...] = (
    trace_case.FAMILY,
    trace_window.FAMILY,
    trace_push.FAMILY,
    trace_feedback.FAMILY,
    trace_told.FAMILY,
    trace_licence.FAMILY,
    trace_notices.ADVICE,
    trace_notices.NOTICES,
    trace_exchange.EXCHANGE,
    trace_exchange.LEDGER,
)
_MATERIALS = f"""
SELECT {columns(Material, "m")}, (SELECT r.name FROM requirements r WHERE r.id = m.requirement_id)
FROM materials m WHERE m.case_no = %(case_no)s ORDER BY m.created_at, m.id
"""  # noqa: S608
_PARTY = f"SELECT {columns(Party, 'p')} FROM parties p WHERE p.id = %(party_id)s"  # noqa: S608
_LIGHT = f"SELECT {columns(PartyLight, 'l')} FROM party_lights l WHERE l.party_id = %(party_id)s"  # noqa: S608
#: What the page beside the lines is made from.
_ROWS = (
    _PARTY,
    _LIGHT,
    _MATERIALS,
    trace_case.DECISIONS,
    trace_case.REVISIONS,
    trace_licence.LICENCES,
    trace_push.PUSHES,
    trace_feedback.FINDINGS,
    trace_feedback.FILES,
    trace_window.USES,
    trace_window.PROMISES,
    trace_notices.THREADS,
    trace_notices.POSTS,
)
_FAMILY_AT = {family: at for at, family in enumerate(FAMILIES)}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks. `only`: confined to what is this department's; None: sees everything."""

    actor: str
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A case with everything about it. Rows are plain mappings of their table's columns."""

    case: dict[str, Any]
    party: dict[str, Any]
    light: dict[str, Any] | None
    decision: dict[str, Any] | None
    revisions: tuple[dict[str, Any], ...]
    licences: tuple[dict[str, Any], ...]
    pushes: tuple[dict[str, Any], ...]  # with department_name and published_at
    materials: tuple[dict[str, Any], ...]
    findings: tuple[dict[str, Any], ...]  # with files
    uses: tuple[dict[str, Any], ...]  # by this case, and of what it brought in: see hub.tracing.trace_window
    promises: tuple[dict[str, Any], ...]
    threads: tuple[dict[str, Any], ...]  # with posts
    lines: tuple[TraceLine, ...]


def trace(tx: Connection, case_no: str, *, area: str, viewer: Viewer) -> Trace:
    """Everything about one case that the viewer may see. Raises NotFound."""
    row = tx.execute(select(*Case.__table__.columns).where(Case.case_no == case_no)).one_or_none()
    if row is None:
        raise NotFound(f"没有办件编号为 {case_no} 的办件。")
    case = dict(row._mapping)
    of = {
        "case_no": case_no,
        "party_id": case["party_id"],
        "area": area,
        "only": viewer.only,
        "actor": viewer.actor,
        "told": list(trace_exchange.TOLD),
    }
    questions = dict.fromkeys(
        (NAMES, SENT, TAKEN, *_ROWS, *(asks for one in TOLD_BY for asks in one.questions))
    )
    answer = dict(zip(questions, ask(tx, *((question, of) for question in questions)), strict=True))
    names = dict(tuple(one) for one in answer[NAMES])
    found = Gathering(
        case, names, viewer.only, sent_of(answer[SENT]), taken_of(answer[TAKEN]), _withheld(viewer, answer)
    )
    lines = sorted(_lines(found, answer), key=lambda line: (line.at, _FAMILY_AT[line.family]))
    return _whole(found, answer, tuple(lines))


def _withheld(viewer: Viewer, answer: Mapping[str, Answer]) -> frozenset[str]:
    """What the confined viewer's department was not sent of the decision."""
    if viewer.only is None:
        return frozenset()
    return frozenset(
        path for row in mapped(Push, answer[trace_push.PUSHES]) for path in row["withheld"] or ()
    )


def _lines(found: Gathering, answer: Mapping[str, Answer]) -> Iterator[TraceLine]:
    for family in TOLD_BY:
        yield from family.lines(found, *(answer[question] for question in family.questions))
    yield from trace_told.left_over(found)


def _materials(found: Gathering, rows: Answer) -> Iterator[dict[str, Any]]:
    """Those that are not withheld, by the file's name or by the line that it was taken for."""
    for row in mapped(Material, rows, "line"):
        line = row.pop("line") or row["name"]
        if not found.hides("materials", None, row["name"]) and not found.hides("materials", None, line):
            yield row


def _whole(found: Gathering, answer: Mapping[str, Answer], lines: tuple[TraceLine, ...]) -> Trace:
    decisions = mapped(Decision, answer[trace_case.DECISIONS])
    lights = mapped(PartyLight, answer[_LIGHT])
    return Trace(
        case=dict(found.case),
        party=_party(found, mapped(Party, answer[_PARTY])[0]),
        light=lights[0] if lights else None,
        decision=_decision(found, decisions[0]) if decisions else None,
        revisions=tuple(mapped(DecisionRevision, answer[trace_case.REVISIONS])),
        licences=tuple(mapped(Licence, answer[trace_licence.LICENCES])) if not found.hides("licence") else (),
        pushes=tuple(_push(found, row) for row in mapped(Push, answer[trace_push.PUSHES])),
        materials=tuple(_materials(found, answer[_MATERIALS])),
        findings=_with_files(answer),
        uses=tuple(trace_window.uses_of(found, answer[trace_window.USES])),
        promises=tuple(trace_window.promises_of(found, answer[trace_window.PROMISES])),
        threads=_with_posts(answer),
        lines=lines,
    )


def _party(found: Gathering, row: dict[str, Any]) -> dict[str, Any]:
    """The party, of whom a department may have been sent less."""
    for column, key in (("code_masked", "applyer_page_code"), ("legal_representative", "legal")):
        if found.hides("case", key):
            row[column] = None
    if found.hides("case", "applyer_name"):
        row["name"] = masked_text(row["name"])
    return row


def _decision(found: Gathering, row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in row["elements"].items() if not found.hides("elements", name)}
    said = "" if found.hides("result", "result_explain") else row["explanation"]
    return {**row, "elements": shown, "explanation": said}


def _push(found: Gathering, row: Mapping[str, Any]) -> dict[str, Any]:
    sent = found.sent.get(row["event_id"])
    published = sent.published_at if sent else None
    return {**row, "department_name": found.name(row["department"]), "published_at": published}


def _with_files(answer: Mapping[str, Answer]) -> tuple[dict[str, Any], ...]:
    files: dict[Any, list[dict[str, Any]]] = {}
    for finding, name, size, sha256 in answer[trace_feedback.FILES]:
        files.setdefault(finding, []).append({"name": name, "size": size, "sha256": bytes(sha256)})
    return tuple(
        {**row, "said": trace_feedback.said_of(row), "files": files.get(row["id"], [])}
        for row in mapped(Finding, answer[trace_feedback.FINDINGS])
    )


def _with_posts(answer: Mapping[str, Answer]) -> tuple[dict[str, Any], ...]:
    posts: dict[Any, list[dict[str, Any]]] = {}
    more = ("event_id", "message_sha256", "arrived_at", "signed_at")
    for post in mapped(AdvicePost, answer[trace_notices.POSTS], *more):
        posts.setdefault(post["thread_id"], []).append(post)
    return tuple(
        {**row, "posts": posts.get(row["id"], [])}
        for row in mapped(AdviceThread, answer[trace_notices.THREADS])
    )
