"""Shown: the lines of a trace as a page writes them, worked out once for a line - a page may have thousands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import url_for
from flask_babel import gettext

from admin import cells
from admin.in_words import of_phrase
from hub.tracing.trace import Trace
from hub.tracing.trace_line import FAMILIES, TraceLine
from hub.workday import LOCAL


class Shown(NamedTuple):
    """One line, every value a text."""

    line: TraceLine
    title: str
    detail: str
    more: list[tuple[str, Any]]
    day: str
    time: str
    iso: str
    family: str
    who: str
    signed: (
        str | None
    )  # the address of its bytes; "": they are not those that were recorded; None: nobody signed


def shown_lines(found: Trace, names: Mapping[str, str], *, links: bool) -> Iterator[Shown]:
    """Each line; with `links`, where its signed bytes are."""
    families = {key: cells.word_text("trace_family", key) for key in FAMILIES}
    base = url_for("TraceView.signed", case_no=found.case["case_no"]) if links else ""
    who = cache(lambda actor: cells.who(actor, names))
    for line in found.lines:
        at = line.at.astimezone(LOCAL)
        yield Shown(
            line,
            of_phrase(line.title),
            of_phrase(line.detail),
            more_of(line),
            at.strftime("%Y-%m-%d"),
            at.strftime("%H:%M:%S"),
            line.at.isoformat(),
            families[line.family],
            who(line.by) if line.by else "",
            _address(line, base),
        )


def more_of(line: TraceLine) -> list[tuple[str, Any]]:
    """What is shown where one asks for it."""
    return [
        (of_phrase(name), of_phrase(value) if isinstance(value, str) else value) for name, value in line.more
    ]


def _address(line: TraceLine, base: str) -> str | None:
    if line.signed is None:
        return None
    if line.signed.ref is None:
        return ""
    return f"{base}?{urlencode({'kept': line.signed.kept, 'ref': line.signed.ref})}"


def labels() -> dict[str, str]:
    """What every line says in the same words."""
    return {
        "broken": gettext("原文与登记的摘要不符"),
        "open": gettext("查看签名原文"),
        "signed": gettext("有签名原文"),
        "more": gettext("详情"),
        "digest": gettext("原文 SHA-256"),
    }


def timeline(
    found: Trace, names: Mapping[str, str], *, links: bool, on_paper: bool = False
) -> dict[str, Any]:
    """What the template of a timeline wants."""
    return {
        "shown": list(shown_lines(found, names, links=links)),
        "labels": labels(),
        "links": links,
        "on_paper": on_paper,
    }
