"""Lanes: the timeline at a glance, a lane for the window and for each department, as SVG made here.

A day on which something happened is a column; a long quiet time is a wider gap, but not in proportion, so a burst and a
year both stay readable. A mark stands for all that happened in its lane around that day, in the worst tone of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from flask_babel import gettext
from markupsafe import Markup

from admin import cells
from admin.in_words import of_phrase
from hub.tracing.trace_line import FAMILIES, TraceLine
from hub.workday import LOCAL

WIDTH, LEFT, RIGHT = 760, 158, 22
ROW, TOP = 34, 26
STEP = 22  # marks nearer than this are one
LABEL = 92  # a date needs so much room
WORST = ("plain", "good", "warning", "alert")


@dataclass(slots=True)
class Mark:
    """What happened in one lane around one day."""

    day: date
    lines: list[TraceLine] = field(default_factory=list)

    @property
    def tone(self) -> str:
        """The worst of them."""
        return max((line.tone for line in self.lines), key=WORST.index)

    @property
    def words(self) -> str:
        """The first few, for a hover or a screen reader."""
        said = gettext("；").join(of_phrase(line.title) for line in self.lines[:4])
        more = gettext("等 %(n)s 条", n=len(self.lines)) if len(self.lines) > 4 else ""
        return f"{self.day.isoformat()} {said}{more}"


def lanes(lines: Sequence[TraceLine], names: Mapping[str, str]) -> Markup:
    """The picture; empty where there is too little to show."""
    if len(lines) < 2:
        return Markup("")
    rows = [
        None,
        *sorted({line.department for line in lines if line.department}, key=lambda one: names.get(one, one)),
    ]
    at = _positions(sorted({line.at.astimezone(LOCAL).date() for line in lines}))
    height = TOP + ROW * len(rows) + 6
    label = gettext("各部门在各日的情况；内容与下面的时间线相同")
    parts = [
        Markup('<svg class="lanes" viewBox="0 0 {} {}" role="group" aria-label="{}">').format(
            WIDTH, height, label
        )
    ]
    parts.append(_axis(at, height))
    for number, department in enumerate(rows):
        mine = [line for line in lines if line.department == department]
        name = names.get(department, department) if department else gettext("审批窗口")
        parts.append(_lane(name, TOP + ROW * number + ROW // 2, _marks(mine, at)))
    return Markup("").join([*parts, Markup("</svg>")])


def _positions(days: Sequence[date]) -> dict[date, float]:
    """Where each day stands, in the order of time."""
    steps = [
        0.0,
        *(1 + math.log2((later - earlier).days) / 2 for earlier, later in pairwise(days)),
    ]
    whole = sum(steps) or 1.0
    room, so_far, found = WIDTH - LEFT - RIGHT, 0.0, {}
    for day, step in zip(days, steps, strict=True):
        so_far += step
        found[day] = LEFT + room * so_far / whole
    return found


def _marks(lines: Sequence[TraceLine], at: Mapping[date, float]) -> list[tuple[float, Mark]]:
    found: list[tuple[float, Mark]] = []
    for line in lines:
        day = line.at.astimezone(LOCAL).date()
        if not found or at[day] - found[-1][0] >= STEP:
            found.append((at[day], Mark(day)))
        found[-1][1].lines.append(line)
    return found


def _axis(at: Mapping[date, float], height: int) -> Markup:
    parts, last = [], -LABEL
    for day, x in at.items():
        if x - last < LABEL:
            continue
        last = x
        anchor = "end" if x > WIDTH - LABEL / 2 else "middle"
        parts.append(
            Markup(
                '<line class="tick" x1="{0:.0f}" x2="{0:.0f}" y1="{1}" y2="{2}"/><text class="when" x="{0:.0f}" y="14" '
                'text-anchor="{3}">{4}</text>'
            ).format(x, TOP - 6, height - 6, anchor, day.isoformat())
        )
    return Markup("").join(parts)


def _lane(name: str, y: int, marks: Sequence[tuple[float, Mark]]) -> Markup:
    short = name if len(name) <= 12 else f"{name[:11]}…"
    parts = [
        Markup('<g class="lane"><title>{}</title><text class="name" x="0" y="{}">{}</text>').format(
            name, y + 4, short
        ),
        Markup('<line x1="{}" x2="{}" y1="{}" y2="{}"/>').format(LEFT, WIDTH - RIGHT, y, y),
    ]
    for x, mark in marks:
        parts.append(_shape(x, y, mark))
    return Markup("").join([*parts, Markup("</g>")])


def _shape(x: float, y: int, mark: Mark) -> Markup:
    """Tones differ in shape, too: a circle, a square where to look, a diamond where to act."""
    count = len(mark.lines)
    r = 6.0 if count == 1 else min(11.0, 7 + math.log2(count))
    if mark.tone in ("plain", "good"):
        drawn = Markup('<circle cx="{:.0f}" cy="{}" r="{:.1f}"/>').format(x, y, r)
    else:
        turn = f' transform="rotate(45 {x:.0f} {y})"' if mark.tone == "alert" else ""
        drawn = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"{}/>').format(
            x - r * 0.85,
            y - r * 0.85,
            r * 1.7,
            r * 1.7,
            Markup(turn),  # noqa: S704 - numbers of ours
        )
    number = (
        Markup('<text x="{:.0f}" y="{:.0f}">{}</text>').format(x, y + 3.5, count if count < 100 else "…")
        if count > 1
        else ""
    )
    return Markup('<a href="#d{}" class="mark {}" tabindex="-1"><title>{}</title>{}{}</a>').format(
        mark.day.isoformat(), mark.tone, mark.words, drawn, number
    )


def choices(lines: Sequence[TraceLine], names: Mapping[str, str]) -> dict[str, Any]:
    """What a timeline can be narrowed by: only what is in it."""
    families = {line.family for line in lines}
    return {
        "families": [(key, cells.word_text("trace_family", key)) for key in FAMILIES if key in families],
        "departments": sorted({line.department for line in lines if line.department}),
        "people": sorted({cells.who(line.by, names) for line in lines if line.by}),
    }
