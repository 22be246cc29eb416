"""Check holders 持证主体: names and numbers of those a licence is made out to.

Guarantees: names are tidy, numbers in upper case and right by their check digits, kinds those that the type allows, nobody
named twice. A refusal never repeats a person's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from hub.deciding.decided_case import PartyFacts
from hub.errors import Rejected
from hub.identifiers import citizen_number_fault, uscc_fault
from hub.licensing.types.published_type import PublishedType
from hub.party import PARTY_KINDS
from schemas import code_table

USCC, CITIZEN = "001", "111"
MOST_HOLDERS, LONGEST_NAME, LONGEST_CODE = 20, 200, 64


def check_holders(
    holders: Sequence[PartyFacts], type_: PublishedType, today: date | None = None
) -> tuple[PartyFacts, ...]:
    """Holders with tidy names and numbers. Raises Rejected."""
    if not 1 <= len(holders) <= MOST_HOLDERS:
        raise Rejected(f"持证主体应为 1 到 {MOST_HOLDERS} 个，现有 {len(holders)} 个。")
    clean = tuple(_holder(one, type_, today) for one in holders)
    codes = [(one.code_type, one.code) for one in clean]
    if len(set(codes)) < len(codes):
        raise Rejected("同一持证主体填写了两次。请删去重复的。")
    return clean


def _holder(one: PartyFacts, type_: PublishedType, today: date | None) -> PartyFacts:
    name, code = " ".join(one.name.split()), "".join((one.code or "").split()).upper()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Rejected(f"请填写持证主体名称，至多 {LONGEST_NAME} 字。")
    if one.kind not in PARTY_KINDS:
        raise Rejected("请选择持证主体的类别：法人及非法人组织、自然人或个体工商户。")
    allowed = type_.rules.holder_kinds
    if allowed and one.kind not in allowed:
        kinds = code_table("party_kind")
        may = "、".join(kinds[kind] for kind in allowed)
        raise Rejected(f"“{type_.name}”只发给{may}，{name}是{kinds[one.kind]}。")
    if not 1 <= len(code) <= LONGEST_CODE:
        raise Rejected(f"请填写持证主体 {name} 的统一社会信用代码或证件号码。")
    if one.code_type not in code_table("holder_code_type"):
        raise Rejected(f"持证主体代码类型 {one.code_type[:10]} 不在代码表中。请从列表选择。")
    fault = None
    if one.code_type == USCC:
        fault = uscc_fault(code)
    elif one.code_type == CITIZEN:
        fault = citizen_number_fault(code, today=today)
    if fault:
        raise Rejected(f"持证主体 {name}：{fault}。请对照证件核对。")
    legal = " ".join((one.legal_representative or "").split())[:LONGEST_NAME] or None
    return replace(one, name=name, code=code, legal_representative=legal)
