"""What made-up messages differ in: what people forget when they draw fields to each other.

Guarantees: every message still is what the hub could send (its schema says so); the first is plain, and the others go
through all kinds of difference in turn, each with days, names and numbers of its own; equal chances make equal messages.
Numbers pass their checks and are nobody's: the area 9901 does not exist.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from hub.identifiers import citizen_check_char, licence_identifier, organisation_check_char, uscc_check_char

Data = dict[str, Any]
_FIRST_DAY, _DAYS = date(2024, 1, 1), 1095
_NAMES = (
    "示范餐饮服务有限公司",
    "示范药房连锁有限公司",
    "示范建材经营部",
    "示范幼儿看护点",
    "示范物流有限公司",
)
_PEOPLE = ("示例甲", "示例乙", "示例丙", "示例丁")
#: Longest that the national sheet takes; no decision that came by it has longer ones.
_LONGEST = {"XK_XDR_MC": 200, "XK_NR": 4000, "XK_XKZS": 64, "XK_FRDB": 50}
_OPTIONAL = (
    "XK_FRDB",
    "XK_XKZS",
    "XK_XKBH",
    "XK_XKWS",
    "XK_BZ",
    "XK_YXQZ",
    "XK_YXQZI",
    "XK_LYDW",
    "XK_LYDWDM",
)
#: In no font of old, outside the BMP, and what breaks out of a cell or a line.
_RARE = "示范县𠮷祥㛃·“喆”饮食店（𫖯）"
_AWKWARD = "准予经营：热食、冷食,自制;“糕点”\"含裱花\"\n第二行\t制表\\反斜线 'x' <b>&amp;"


def varied(data: Data, number: int, chance: random.Random) -> str:
    """Change the data of message `number` in place; gives which of KINDS it is now."""
    _dated(data, _FIRST_DAY + timedelta(days=chance.randrange(_DAYS)), chance.choice((365, 1096, 1826)))
    _held_by(data, _party("legal", chance))
    _numbered(data, number)
    kind = tuple(KINDS)[number % len(KINDS)]
    KINDS[kind](data, chance)
    return kind


def _numbered(data: Data, number: int) -> None:
    """No two decisions and no two licences have one number."""
    document, licence_no = f"示审演许〔2026〕{number + 1}号", f"YL9901{number + 1:08d}"
    elements, result = _part(data, "elements"), _part(data, "result")
    elements |= {"XK_WSH": document} if "XK_WSH" in elements else {}
    elements |= {"XK_XKBH": licence_no} if "XK_XKBH" in elements else {}
    if result:
        result |= {"document_no": document, "result_cetr_no": result["result_cetr_no"] and licence_no}
    if licence := _part(data, "licence"):
        type_code, issuer = licence["certificateTypeCode"], licence["issueDeptCode"]
        licence["certificateNumber"] = licence_no
        licence["certificateIdentifier"] = licence_identifier(type_code, issuer, f"YL{number + 1:012d}")


def _held_by(data: Data, party: Mapping[str, Any]) -> None:
    natural = party["kind"] == "natural"
    if case := _part(data, "case"):
        case |= {
            "applyer_name": party["name"],
            "applyer_type": party["kind"],
            "applyer_page_type": party["code_type"],
            "applyer_page_code": party["code"],
            "legal": party["legal"],
            "project_name": f"{party['name']}申请{case['task_name']}"[:1000],
        }
        case["address"] = None if natural else case["address"]
    if elements := _part(data, "elements"):
        for name in ("XK_XDR_SHXYM", "XK_FRDB", "XK_XDR_ZJLX", "XK_XDR_ZJHM"):
            elements.pop(name, None)
        elements |= {"XK_XDR_MC": party["name"], "XK_XDR_LB": party["category"]}
        elements |= (
            {"XK_XDR_ZJLX": "身份证", "XK_XDR_ZJHM": party["code"]}
            if natural
            else {"XK_XDR_SHXYM": party["code"], "XK_FRDB": party["legal"]}
        )
    if licence := _part(data, "licence"):
        licence |= {
            "certificateHolder": [party["name"]],
            "certificateHolderCode": [party["code"]],
            "certificateHolderTypeCode": party["code_type"],
        }


def _dated(data: Data, day: date, length: int) -> None:
    decided, until = day.isoformat(), (day + timedelta(days=length - 1)).isoformat()
    applied = (day - timedelta(days=3)).isoformat()
    if case := _part(data, "case"):
        case |= {"apply_date": applied, "accept_date": applied}
    if result := _part(data, "result"):
        result["result_date"] = decided
    for step in data.get("steps", ()):
        step |= {"event_start_time": f"{applied}T01:00:00Z", "event_end_time": f"{decided}T02:30:00Z"}
    days = {"issueDate": decided, "certificateValidateStart": decided, "certificateValidateEnd": until}
    if licence := _part(data, "licence"):
        licence |= days
    if elements := _part(data, "elements"):
        sheet = {"XK_JDRQ": decided, "XK_YXQZ": decided, "XK_YXQZI": until}
        elements |= {name: value for name, value in sheet.items() if name in elements}


def _party(kind: str, chance: random.Random) -> dict[str, Any]:
    if kind == "natural":
        born = date(1960, 1, 1) + timedelta(days=chance.randrange(16_000))
        body = f"990101{born:%Y%m%d}{chance.randrange(1000):03d}"
        code, name = body + citizen_check_char(body), chance.choice(_PEOPLE)
        return {
            "kind": kind,
            "category": "自然人",
            "name": name,
            "code_type": "111",
            "code": code,
            "legal": None,
        }
    body = f"MA{chance.randrange(1_000_000):06d}"
    first = f"{'92' if kind == 'individual' else '91'}990101{body}{organisation_check_char(body)}"
    return {
        "kind": kind,
        "category": "个体工商户" if kind == "individual" else "法人及非法人组织",
        "name": f"示范县第{chance.randrange(1000)}{'小吃店' if kind == 'individual' else chance.choice(_NAMES)}",
        "code_type": "001",
        "code": first + uscc_check_char(first),
        "legal": chance.choice(_PEOPLE),
    }


def _plain(_data: Data, _chance: random.Random) -> None:
    """As the example has it."""


def _individual(data: Data, chance: random.Random) -> None:
    _held_by(data, _party("individual", chance))


def _natural(data: Data, chance: random.Random) -> None:
    _held_by(data, _party("natural", chance))


def _refused(data: Data, _chance: random.Random) -> None:
    """Nothing was granted: no licence, no days."""
    words = "不予许可：经营场所不符合规定的条件"
    if result := _part(data, "result"):
        result |= {
            "result_type": "1",
            "result_explain": words,
            "result_cetr_name": None,
            "result_cetr_no": None,
        }
        if "licence" in data:
            data["licence"] = None
        for step in data.get("steps", ())[-1:]:
            step |= {"event_name": "退回", "handle_explain": words}
    if elements := _part(data, "elements"):
        for name in ("XK_XKZS", "XK_XKBH", "XK_YXQZ", "XK_YXQZI"):
            elements.pop(name, None)
        elements |= {"XK_NR": words, "XK_XKWS": "不予行政许可决定书"}


def _sparse(data: Data, _chance: random.Random) -> None:
    """What may be missing is missing."""
    if case := _part(data, "case"):
        case |= dict.fromkeys(("catalog_code", "promise_date", "legal", "address", "org_code"))
        case |= dict.fromkeys(("apply_date", "accept_date"))
    for step in data.get("steps", ()):
        step |= dict.fromkeys(("handle_user_name", "handle_explain", "org_code"))
    for name in ("reused", "promised", "form", "completeness"):
        data.pop(name, None)
    for name in ("materials", "special_procedures"):
        if name in data:
            data[name] = []
    elements = _part(data, "elements")
    for name in _OPTIONAL if elements else ():
        elements.pop(name, None)


def _long(data: Data, _chance: random.Random) -> None:
    """As long as the national sheet lets them be."""
    words = {name: ("示范长文字" * 1000)[:length] for name, length in _LONGEST.items()}
    if elements := _part(data, "elements"):
        elements |= {name: text for name, text in words.items() if name in elements}
    if case := _part(data, "case"):
        case |= {"applyer_name": words["XK_XDR_MC"], "project_name": words["XK_NR"][:1000]}
        case["legal"] = words["XK_FRDB"] if case["legal"] else None
    if result := _part(data, "result"):
        result["result_explain"] = words["XK_NR"]
    if licence := _part(data, "licence"):
        licence["certificateHolder"] = [words["XK_XDR_MC"]]


def _rare(data: Data, _chance: random.Random) -> None:
    """Characters that old encodings, fonts and files stumble over."""
    if case := _part(data, "case"):
        case |= {"applyer_name": _RARE, "project_name": f"{_RARE}申请{case['task_name']}"}
    if result := _part(data, "result"):
        result["result_explain"] = _AWKWARD
    if licence := _part(data, "licence"):
        licence["certificateHolder"] = [_RARE]
    if elements := _part(data, "elements"):
        elements |= {"XK_XDR_MC": _RARE, "XK_NR": _AWKWARD}


def _many_materials(data: Data, chance: random.Random) -> None:
    """A dozen, two of them of one name."""
    if "materials" not in data:
        return
    kinds = (
        ("pdf", "application/pdf"),
        ("png", "image/png"),
        ("ofd", "application/ofd"),
        ("zip", "application/zip"),
    )
    made = []
    for number in range(12):
        ending, media_type = kinds[number % len(kinds)]
        id_ = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        made.append(
            {
                "id": id_, "material_name": f"申请材料{max(1, number)}.{ending}"[:200], "get_type": "电子", "get_num": 1,
                "sha256": f"{chance.getrandbits(256):064x}", "size": chance.randrange(1, 50_000_000),
                "media_type": media_type, "href": f"/api/v1/materials/{id_}",
            }
        )  # fmt: skip
    data["materials"] = made


def _several_holders(data: Data, chance: random.Random) -> None:
    """One licence of three, and the second version of it."""
    if licence := _part(data, "licence"):
        parties = [_party("legal", chance) for _ in range(3)]
        licence |= {
            "certificateHolder": [one["name"] for one in parties],
            "certificateHolderCode": [one["code"] for one in parties],
            "certificateVersion": "002",
            "previousIdentifier": licence["certificateIdentifier"],
        }


def _without_end(data: Data, _chance: random.Random) -> None:
    """Valid for ever, decided on a leap day: the sheet's spelling in one place, nothing in the other."""
    _dated(data, date(2028, 2, 29), 366)
    if licence := _part(data, "licence"):
        licence["certificateValidateEnd"] = None
    elements = _part(data, "elements")
    if "XK_YXQZI" in elements:
        elements["XK_YXQZI"] = "2099-12-31"
    if case := _part(data, "case"):  # the next day by the clock on the wall
        case |= {"apply_date": "2028-02-25T16:30:00Z", "accept_date": "2028-02-25T16:30:00Z"}


def _part(data: Data, name: str) -> Data:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


#: One of each in turn; the pages know what they are called.
KINDS: dict[str, Callable[[Data, random.Random], None]] = {
    "plain": _plain,
    "individual": _individual,
    "natural": _natural,
    "refused": _refused,
    "sparse": _sparse,
    "long": _long,
    "rare": _rare,
    "many_materials": _many_materials,
    "several_holders": _several_holders,
    "without_end": _without_end,
}
