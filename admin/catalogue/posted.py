"""What an editor posts: plain boxes for the header, JSON for the lists - read into values that the hub checks.

Guarantees: what cannot be read is refused with a sentence; nothing is trusted, the hub checks every value again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext
from werkzeug.wrappers import Response

from hub.catalogue.faults import Fault, Faulty
from hub.errors import Conflict, Rejected
from schemas import Malformed, loads

MOST_JSON = 1_000_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the editor shows of a save that was refused: the boxes that are wrong, and a sentence above them."""

    faults: tuple[Any, ...] = ()
    sentence: str = ""


def saved(save: Callable[[], Response]) -> Response | Refusal:
    """Save what was posted to an editor: where it leads then, or what the editor must show."""
    try:
        return save()
    except Faulty as error:
        return Refusal(tuple(error.faults), gettext("有 %(n)s 处需要改正，见标红处。", n=len(error.faults)))
    except Conflict as error:
        return Refusal(sentence=error.message)


def boxes(names: Sequence[str], ticks: Sequence[str] = (), lists: Sequence[str] = ()) -> dict[str, Any]:
    """The plain boxes of the form: texts, ticks and lists of ticks."""
    form = request.form
    said: dict[str, Any] = {name: form.get(name, "") for name in names}
    said |= {name: name in form for name in ticks}
    said |= {name: form.getlist(name) for name in lists}
    return said


def listed(name: str) -> Any:
    """One list, as JSON."""
    raw = request.form.get(name, "[]")
    if len(raw) > MOST_JSON:
        raise Rejected(gettext("内容太长，无法保存。请分成几个事项，或用 Excel 导入。"))
    try:
        return loads(raw)
    except Malformed as error:
        raise Rejected(gettext("页面传来的内容读不出来，请刷新后重试。")) from error


def placed(faults: Sequence[Fault]) -> dict[str, str]:
    """Faults of the header by box."""
    return {fault.field: fault.sentence for fault in faults if fault.part == "header"}


def lined(faults: Sequence[Fault]) -> list[list[Any]]:
    """Faults of the lists, for the script: part, line (from 0), box, sentence."""
    return [[one.part, one.line - 1, one.field, one.sentence] for one in faults if one.part != "header"]
