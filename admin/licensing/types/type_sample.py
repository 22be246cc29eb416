"""A sample of what stands in the editor, by the real press: its faults element by element, its picture, its PDF.

Guarantees: nothing is stored or signed; what the press refuses is named by element and the rest is still drawn; the words
of a sample are synthetic but for what the editor's user typed.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask_babel import gettext

from admin.licensing.types.type_forms import Design
from hub.catalogue.fields import FieldDef, check_values
from hub.catalogue.texts import line, lines
from hub.errors import HubError, Rejected, Unavailable
from hub.licensing.face import Face, FaceFault, ImageFacts
from hub.licensing.issuing.fill import Words, field_words, fill
from hub.licensing.ports import Press
from hub.licensing.types.formats_of import BUILT_INS
from hub.licensing.types.published_type import PublishedType
from hub.licensing.types.sample_words import sample_words

MARK = "样张"
WIDTH = 900
LONG_NAME = "示范省示范县阳光雨露餐饮管理服务有限责任公司人民路第一分公司（个人独资）"
LONG_TEXT = "热食类食品制售，冷食类食品制售，生食类食品制售，糕点类食品制售，自制饮品制售（含网络经营）；"
RARE = "𬱖䶮㛃𰻝"
#: Built-ins whose words somebody may type for a sample.
TYPED = ("$holder", "$legal", "$number", "$issuer", "$item", "$document_no")


@dataclass(frozen=True, slots=True)
class Sampled:
    """A face filled with sample words."""

    face: Face
    type: PublishedType
    words: Words
    typed_faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sample is asked for: on which day, in which area, with which words of the user's own."""

    on: date
    area: str
    qr: str
    preset: str = ""
    words: Mapping[str, Any] | None = None


def sampled(code: str, design: Design, images: Mapping[str, ImageFacts], asked: Asked) -> Sampled:
    """The face of a sample. `images` as `image_facts` gives them."""
    rules, wrong = design.rules, {fault.field for fault in design.faults if fault.part == "rules"}
    if wrong & {"validity_kind", "validity_length", "validity_field"}:
        rules = replace(rules, validity_kind="permanent", validity_length=None, validity_field=None)
    if wrong & {"issuer_mode", "issuer_code", "issuer_name"}:
        rules = replace(rules, issuer_mode="approving", issuer_code="", issuer_name="")
    type_ = PublishedType(code, rules.name, 0, rules, design.fields, design.layout, images)
    words = _preset(sample_words(type_, on=asked.on, area=asked.area), design.fields, asked.preset)
    words, faults = _typed(words, design.fields, asked.words or {})
    return Sampled(fill(type_, words, qr=asked.qr, mark=MARK), type_, words, faults)


def draw(press: Press | None, sample: Sampled, *, shown: bool) -> dict[str, Any]:
    """What the press says of a face: faults by element, and a picture with the faulty ones left empty."""
    face = sample.face
    if press is None:
        return {"faults": [], "said": gettext("本中心没有配置证照印制，画不出样张。")}
    told: dict[str, Any] = {"faults": []}
    try:
        told["faults"] = [(one.element, _named(one, sample)) for one in press.faults(face)]
        if shown:
            drawn = picture(press, face, [element for element, _sentence in told["faults"]])
            told["picture"] = "data:image/png;base64," + base64.b64encode(drawn).decode()
    except HubError as error:
        told["said"] = error.message
    return told


def _named(fault: FaceFault, sample: Sampled) -> str:
    """The press knows sources; people know what these are called."""
    source = next((one.source for one in sample.face.layout.elements if one.id == fault.element), "")
    labels = {one.name: one.label for one in sample.type.fields}
    label = gettext(BUILT_INS[source][0]) if source in BUILT_INS else labels.get(source, source)
    return fault.sentence.replace(f"“{source}”", f"“{label}”", 1) if source else fault.sentence


def picture(press: Press | None, face: Face, left_out: Collection[str] | None = None) -> bytes:
    """A PNG of the face, its faulty elements left empty. Raises Unavailable, Rejected."""
    if press is None:
        raise Unavailable(gettext("本中心没有配置证照印制，画不出样张。"))
    if left_out is None:
        left_out = {one.element for one in press.faults(face)}
    texts = {id_: "" if id_ in left_out else said for id_, said in face.texts.items()}
    return press.picture(replace(face, texts=texts), width=WIDTH)


def sample_pdf(press: Press | None, sample: Sampled) -> bytes:
    """The sample as a PDF. Raises Rejected with every fault, or Unavailable."""
    if press is None:
        raise Unavailable(gettext("本中心没有配置证照印制，画不出样张。"))
    if faults := press.faults(sample.face):
        raise Rejected("".join(_named(one, sample) for one in faults[:8]))
    return press.sample(sample.face)


def typed_words(sample: Sampled) -> list[list[str]]:
    """What somebody may type other words for: source, label, what it says now. Only what stands on the face."""
    placed = dict.fromkeys(one.source for one in sample.face.layout.elements if one.kind == "field")
    if any(one.kind == "seal" and not one.image for one in sample.face.layout.elements):
        placed["$issuer"] = None
    labels = {one.name: one for one in sample.type.fields}
    told = []
    for source in placed:
        if source in TYPED:
            told.append([source, gettext(BUILT_INS[source][0]), _built_in(source, sample.words)])
        elif source in labels:
            one, value = labels[source], sample.words.values.get(source, "")
            told.append([source, one.label, field_words(one, value) if value else ""])
    return told


def _built_in(source: str, words: Words) -> str:
    holder = words.holders[0]
    return {
        "$holder": holder.name,
        "$legal": holder.legal_representative or holder.name,
        "$number": words.number,
        "$issuer": words.issuer_name,
        "$item": words.item,
        "$document_no": words.document_no,
    }[source]


def _preset(words: Words, fields: tuple[FieldDef, ...], preset: str) -> Words:
    """Words that try a layout: as long as the fields allow, or with rare characters."""
    if preset not in ("long", "rare"):
        return words
    texts = {one.name: one for one in fields if one.type in ("text", "long_text")}
    if preset == "rare":
        values = {
            name: f"{RARE}{words.values.get(name, '')}"[: one.max_length or 200]
            for name, one in texts.items()
        }
        return _holder(words, values, f"示范县{RARE}餐饮店", RARE[:3])
    values = {}
    for name, one in texts.items():
        most = one.max_length or (300 if one.type == "long_text" else 60)
        values[name] = (LONG_TEXT * (most // len(LONG_TEXT) + 1))[:most]
    return _holder(words, values, LONG_NAME, "欧阳买买提·艾克拜尔江")


def _holder(words: Words, values: Mapping[str, str], name: str, legal: str) -> Words:
    first = words.holders[0]
    holder = replace(
        first,
        name=legal if first.kind == "natural" else name,
        legal_representative=None if first.kind == "natural" else legal,
    )
    return replace(words, holders=(holder,), values={**words.values, **values})


def _typed(
    words: Words, fields: tuple[FieldDef, ...], given: Mapping[str, Any]
) -> tuple[Words, tuple[str, ...]]:
    """The user's own words over the sample's."""
    said = {
        source: lines(text)[:10_000]
        for source, text in given.items()
        if isinstance(text, str) and text.strip()
    }
    known = [one for one in fields if one.name in said]
    clean, faults = check_values(known, said)
    words = replace(words, values={**words.values, **clean})
    plain = {source: line(text) for source, text in said.items() if source in TYPED}
    first = words.holders[0]
    if "$holder" in plain:
        first = replace(first, name=plain["$holder"])
    if "$legal" in plain:
        first = replace(first, legal_representative=plain["$legal"])
    words = replace(
        words,
        holders=(first,),
        number=plain.get("$number", words.number),
        issuer_name=plain.get("$issuer", words.issuer_name),
        item=plain.get("$item", words.item),
        document_no=plain.get("$document_no", words.document_no),
    )
    return words, tuple(faults.values())
