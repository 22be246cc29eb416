"""Fill a layout: what every element of a licence's face says, in its final words.

Guarantees: pure; a code becomes its word, a date and a sum their format; an element without a value prints nothing, not
even its prefix. With `masked`, names and document numbers of natural persons are covered, and so are fields that by
their label name a person (姓名, 法定代表人, 电话 ...) or say where one lives. Does not guarantee: that words fit (the
press says), or that a free text names nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from hub.catalogue.fields import FieldDef
from hub.deciding.decided_case import PartyFacts
from hub.identifiers import mask_document
from hub.licensing.face import Element, Face
from hub.licensing.issuing.figures import count_in, day_in, sum_in
from hub.licensing.types.published_type import PublishedType
from schemas import code_table

LONG_TERM = "长期"
USCC = "001"
_PERSON = re.compile("姓名|法定代表人|法人代表|负责人|经营者|联系人|持证人|本人")
_HOME = re.compile("住所|住址|地址")
_REACH = re.compile("电话|手机|证件号|身份证|号码|邮箱|住址|家庭地址")


@dataclass(frozen=True, slots=True)
class Words:
    """What a licence says beside its layout. `values` are clean values as `check_values` gives them."""

    number: str
    identifier: str
    holders: tuple[PartyFacts, ...]
    issuer_code: str
    issuer_name: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    values: Mapping[str, str] = field(default_factory=dict)
    item: str = ""
    document_no: str = ""
    version: int = 1
    name: str = ""  # empty: the type's


def fill(type_: PublishedType, words: Words, *, qr: str, masked: bool = False, mark: str = "") -> Face:
    """The face of one licence. `qr` is what the code says; `mark` goes across the page."""
    fields = {one.name: one for one in type_.fields}
    texts: dict[str, str] = {}
    for one in type_.layout.elements:
        if one.kind == "text":
            texts[one.id] = one.text
        elif one.kind == "field":
            said = _said(one, type_, words, fields, masked)
            texts[one.id] = f"{one.prefix}{said}{one.suffix}" if said else ""
    return Face(
        type_.layout,
        texts,
        words.name or type_.name,
        words.issuer_name,
        qr,
        type_.images,
        mark,
    )


def _said(
    element: Element, type_: PublishedType, words: Words, fields: Mapping[str, FieldDef], masked: bool
) -> str:
    if element.source.startswith("$"):
        return _built_in(element.source, element.format, type_, words, masked)
    one, value = fields[element.source], words.values.get(element.source, "")
    if value and masked and _HOME.search(one.label) and any(two.kind == "natural" for two in words.holders):
        return f"{value[:6]}******"  # where a natural person lives
    return field_words(one, value, element.format, masked) if value else ""


def field_words(one: FieldDef, value: str, form: str = "", masked: bool = False) -> str:
    """A clean value of a field in words."""
    if one.type == "date":
        return day_in(date.fromisoformat(value), form)
    if one.type == "money":
        return sum_in(value, form)
    if one.type == "number":
        return count_in(value, form)
    if one.type in ("code", "yes_no"):
        return code_table(one.code_table or "yes_no").get(value, value)
    if one.type == "person_number":
        return mask_number(value) if masked or form == "遮盖" else value
    if masked and _PERSON.search(one.label):
        return mask_name(value)
    if masked and _REACH.search(one.label):
        return mask_number(value)
    return value


def _built_in(source: str, form: str, type_: PublishedType, words: Words, masked: bool) -> str:
    if source in ("$issued_on", "$valid_from", "$valid_to", "$validity"):
        return _days(source, form, words)
    if source in ("$holder", "$holder_code", "$holder_code_masked", "$legal"):
        return _holders(source, words, masked)
    return {
        "$name": words.name or type_.name,
        "$number": words.number,
        "$identifier": words.identifier,
        "$issuer": words.issuer_name,
        "$issuer_code": words.issuer_code,
        "$item": words.item,
        "$document_no": words.document_no,
        "$version": f"{words.version:03d}",
    }[source]


def _days(source: str, form: str, words: Words) -> str:
    if source == "$issued_on":
        return day_in(words.issued_on, form)
    if source == "$valid_from":
        return day_in(words.valid_from, form)
    if source == "$validity":
        return validity_words(words.valid_from, words.valid_to, form)
    return day_in(words.valid_to, form) if words.valid_to else LONG_TERM


def validity_words(valid_from: date, valid_to: date | None, form: str = "") -> str:
    """“2026年11月22日至2031年11月21日”, or “长期”."""
    return f"{day_in(valid_from, form)}至{day_in(valid_to, form)}" if valid_to else LONG_TERM


def _holders(source: str, words: Words, masked: bool) -> str:
    said = [_holder(source, one, masked) for one in words.holders]
    return "、".join(dict.fromkeys(one for one in said if one))


def _holder(source: str, one: PartyFacts, masked: bool) -> str:
    if source == "$holder":
        return mask_name(one.name) if masked and one.kind == "natural" else one.name
    if source == "$legal":
        name = one.legal_representative or (one.name if one.kind == "natural" else "")
        return mask_name(name) if masked else name
    code = one.code or ""
    covered = masked or source == "$holder_code_masked"
    return mask_number(code) if covered and code and one.code_type != USCC else code


def mask_name(name: str) -> str:
    """张三丰 -> 张**; at least one star."""
    return name[:1] + "*" * max(len(name) - 1, 1) if name else ""


def mask_number(number: str) -> str:
    """As it may be shown; one that is covered already stays."""
    return number if "*" in number else mask_document(number)
