"""What somebody typed or scanned into the workbench: which kind of number it is, and what is wrong with it.

Guarantees: full-width and lower-case spellings, blanks and hyphens make no difference; a fault is a sentence that says what
to check and never repeats a citizen's number. Does not look anything up: a sound number may still be unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote

from flask_babel import gettext

from hub.identifiers import citizen_number_fault, uscc_fault, uscc_warning
from storage.identity import normal

#: GB/T 36903 codes of documents that a natural person may show.
PERSON_TYPES = ("111", "154", "411", "414", "511", "516", "553", "999")
LONGEST = 200
_CASE_ADDRESS = re.compile(r"/WORKBENCH/CASE/([0-9A-Z]{8,64})")
_PLAUSIBLE_BIRTH = re.compile(r"[0-9]{6}(18|19|20)[0-9]{2}[01][0-9][0-3][0-9]")


@dataclass(frozen=True, slots=True)
class Typed:
    """`kind`: nothing, uscc, citizen, case, number (any other number), name."""

    kind: str
    value: str = ""
    fault: str | None = None
    warning: str | None = None
    also: str | None = None  # another kind that fits as well


def recognise(text: str, area: str, *, today: date) -> Typed:
    """What `text` is."""
    folded = normal(text[:LONGEST])
    if not folded:
        return Typed("nothing")
    if address := _CASE_ADDRESS.search(unquote(folded).upper()):
        return Typed("case", address[1])
    text, folded = (
        text.lstrip(" /／"),
        folded.lstrip("/"),
    )  # the key that leads to the field, pressed while in it
    if not folded:
        return Typed("nothing")
    joined = folded.replace("-", "").replace("—", "")
    if "*" in joined:
        return Typed("number", joined, gettext("号码被遮盖了，请输入完整的号码。"))
    if len(joined) == 18 and joined.isascii() and joined.isalnum() and any(c.isdigit() for c in joined):
        return _eighteen(joined, today)
    if re.fullmatch(r"[0-9A-Z]+", joined) and joined.startswith(area) and len(joined) > 18:
        return Typed("case", joined)
    if re.fullmatch(r"[0-9A-Z./()]*[0-9][0-9A-Z./()]*", joined) and folded.isascii():
        return _some_number(joined)
    name = " ".join(text[:LONGEST].split())
    if len(name) < 2:
        return Typed("name", name, gettext("名称请至少输入两个字。"))
    return Typed("name", name)


def _eighteen(code: str, today: date) -> Typed:
    citizen, body = citizen_number_fault(code, today=today), uscc_fault(code)
    if citizen is None and body is None:
        return Typed("citizen", code, also="uscc")
    if citizen is None:
        return Typed("citizen", code)
    if body is None:
        return Typed("uscc", code, warning=uscc_warning(code))
    looks_personal = code[:17].isdigit() and _PLAUSIBLE_BIRTH.match(code) is not None
    if looks_personal:
        return Typed("citizen", code, citizen + "。" + gettext("请对照证件重新输入。"))
    return Typed("uscc", code, body + "。" + gettext("请对照执照重新输入。"))


def _some_number(joined: str) -> Typed:
    if joined.isdigit() and len(joined) >= 19:
        return Typed("case", joined)
    if (15 <= len(joined) <= 20 and joined[:14].isdigit()) or len(joined) in (16, 17, 19):
        hint = gettext(
            "统一社会信用代码和公民身份号码都是 18 位，现为 %(n)s 位。如果是别的证件或证照编号，可以直接查。",
            n=len(joined),
        )
        return Typed("number", joined, warning=hint)
    return Typed("number", joined)


def document_types(kind: str) -> tuple[str, ...]:
    """The code types under which a number of this kind may be on file."""
    return {"uscc": ("001",), "citizen": ("111",), "number": PERSON_TYPES}.get(kind, ())
