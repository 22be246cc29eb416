"""The header of a material type: everything but its fields and validity rule; kept in each version, live once published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.catalogue.faults import Fault
from hub.catalogue.fields import FieldDef
from hub.catalogue.formats import MIB, MOST_MIB, known_formats
from hub.catalogue.item_header import parse_sharing
from hub.catalogue.material_type import ON_BAD_SIGNATURE, VALIDITY_KINDS
from hub.catalogue.texts import line, whole, yes
from schemas import code_table

#: What a header holds, in the order it is shown.
TYPE_HEADER = (
    "name",
    "provider",
    "holder_kinds",
    "sharing",
    "sharing_conditions",
    "sharing_basis",
    "consent_required",
    "signature_required",
    "on_bad_signature",
    "formats",
    "max_bytes",
    "accepts_from",
)
LONGEST_VALIDITY = 1200


@dataclass(frozen=True, slots=True)
class Validity:
    """Until when a material of a type is good: for ever, so long from the day it was taken, or until a field's date."""

    kind: str = "permanent"
    length: int | None = None
    field: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As it is compared."""
        return {
            "validity_kind": self.kind,
            "validity_length": self.length,
            "validity_field": self.field,
        }


def type_header_of(row: Any) -> dict[str, Any]:
    """The header of a live type (a row of material_types)."""
    return {key: getattr(row, key) for key in TYPE_HEADER}


def parse_type_header(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """A clean header; sizes come as `max_mb` from a form and as `max_bytes` from a version."""
    wrong: dict[str, str] = {}
    header: dict[str, Any] = {"name": line(raw.get("name"))}
    if not 1 <= len(header["name"]) <= 100:
        wrong["name"] = "请填写材料类型名称，至多 100 字。"
    header["provider"] = line(raw.get("provider")) or None
    kinds = raw.get("holder_kinds")
    known = code_table("party_kind")
    header["holder_kinds"] = [kind for kind in known if isinstance(kinds, list | tuple) and kind in kinds]
    sharing, faults = parse_sharing(raw)
    header |= sharing
    wrong |= faults
    for key in ("consent_required", "signature_required"):
        header[key] = yes(raw.get(key))
    header["on_bad_signature"] = line(raw.get("on_bad_signature")) or "refuse"
    if header["on_bad_signature"] not in ON_BAD_SIGNATURE:
        wrong["on_bad_signature"] = "签名无效时应为拒收或标记。"
    formats = raw.get("formats")
    header["formats"], strange = known_formats(formats if isinstance(formats, list | tuple) else ())
    if strange:
        wrong["formats"] = f"不接受的格式：{'、'.join(strange)[:60]}。"
    if "max_mb" in raw:
        size, right = whole(raw["max_mb"], 1, MOST_MIB)
        header["max_bytes"] = size * MIB if size else None
    else:
        header["max_bytes"], right = whole(raw.get("max_bytes"), 1, MOST_MIB * MIB)
    if not right:
        wrong["max_mb"] = "最大文件应为以 MB 计的正整数。"
    header["accepts_from"], right = whole(raw.get("accepts_from") or 1, 1, 32_000)
    if not right:
        wrong["accepts_from"] = "可复用的最早版本应为正整数。"
    return header, [Fault("header", 0, key, said) for key, said in wrong.items()]


def parse_validity(raw: Mapping[str, Any], fields: tuple[FieldDef, ...]) -> tuple[Validity, list[Fault]]:
    """The validity rule; a field that says until when must be a date of this type."""
    kind = line(raw.get("validity_kind")) or "permanent"
    if kind not in VALIDITY_KINDS:
        return Validity(), [Fault("header", 0, "validity_kind", "请选择有效期规则。")]
    if kind in ("days", "months"):
        length, right = whole(raw.get("validity_length"), 1, LONGEST_VALIDITY)
        if not right or length is None:
            said = f"有效期应为 1 到 {LONGEST_VALIDITY} 的整数。"
            return Validity(), [Fault("header", 0, "validity_length", said)]
        return Validity(kind, length), []
    if kind == "field":
        name = line(raw.get("validity_field"))
        if not any(one.name == name and one.type == "date" for one in fields):
            said = "请选择说明有效期至的日期字段；没有就先在字段表中加一个“日期”字段。"
            return Validity(), [Fault("header", 0, "validity_field", said)]
        return Validity(kind, None, name), []
    return Validity(), []
