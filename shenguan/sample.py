"""Synthetic 双公示 sheets: what a county's offices would export, with no real body or person in it.

Guarantees: the same seed gives the same rows; every good row is valid, check digits included, and its 决定文书号 is
unique and differs between seeds; a planted bad row has exactly one fault, named by its label.
Does not guarantee: proportions of any real county.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from hub.identifiers import citizen_check_char
from schemas import permit_columns
from shenguan.sample_words import (
    APPROVAL_OFFICE,
    AREA,
    COUNTY,
    PERMITS,
    SHOPS,
    STREETS,
    SURNAMES,
    SYLLABLES,
    TRADES,
    Permit,
    uscc,
)

#: Label of a planted fault -> the column (code of the newer set) that its refusal names.
FAULTS: dict[str, str] = {
    "uscc_check": "XK_XDR_SHXYM",
    "uscc_letter": "XK_XDR_SHXYM",
    "uscc_length": "XK_XDR_SHXYM",
    "uscc_scientific": "XK_XDR_SHXYM",
    "id_check": "XK_XDR_ZJHM",
    "missing_name": "XK_XDR_MC",
    "missing_document_no": "XK_WSH",
    "missing_content": "XK_NR",
    "long_content": "XK_NR",
    "control_character": "XK_NR",
    "mojibake": "XK_XDR_MC",
    "permit_kind": "XK_XKLB",
    "decided_not_a_day": "XK_JDRQ",
    "decided_in_future": "XK_JDRQ",
    "until_before_from": "XK_YXQZI",
    "state": "XK_ZT",
    "duplicate_document_no": "XK_WSH",
}
#: These only exist in the newer set.
FAULTS_2018: dict[str, str] = {
    "missing_uscc": "XK_XDR_SHXYM",
    "missing_representative": "XK_FRDB",
    "missing_id": "XK_XDR_ZJHM",
    "id_document_kind": "XK_XDR_ZJLX",
    "party_kind": "XK_XDR_LB",
    "authority_uscc": "XK_XKJGDM",
}
_LAST_DAY = {"2018": date(2026, 10, 30), "2015": date(2018, 6, 29)}
_TAIL = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_KIND_NAMES = {"legal": "法人及非法人组织", "natural": "自然人", "individual": "个体工商户"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One row and what was planted in it: `fault` is None for a good row."""

    row: list[str]
    fault: str | None


def header(generation: str = "2018") -> list[str]:
    """The header cells of the published template, in its order."""
    return [label for label, _ in _layout(generation)]


def generate(n: int, *, seed: int, bad: float = 0.0, generation: str = "2018") -> Iterator[list[str]]:
    """`n` rows; `bad` is the share of planted faults, which go through every kind in turn."""
    return (sample.row for sample in generate_labelled(n, seed=seed, bad=bad, generation=generation))


def generate_labelled(n: int, *, seed: int, bad: float = 0.0, generation: str = "2018") -> Iterator[Sample]:
    """The same rows with their labels: exactly round(n × bad) carry a fault, spread evenly."""
    codes = [code for _, code in _layout(generation)]
    labels = [*FAULTS, *FAULTS_2018] if generation == "2018" else list(FAULTS)
    wanted = round(n * bad)
    planted, document_no, office = 0, "", ("", "")
    for i in range(n):
        fault = None
        if (i + 1) * wanted // n > planted:
            fault = labels[planted % len(labels)]
            planted += 1
        values = _values(i, n, seed, generation, _holder_for(fault))
        if fault == "duplicate_document_no" and document_no:
            values["XK_WSH"], (values["XK_XKJG"], values["XK_XKJGDM"]) = document_no, office
        elif fault:
            _plant(values, fault)
        else:
            document_no, office = values["XK_WSH"], (values["XK_XKJG"], values["XK_XKJGDM"])
        yield Sample([values.get(code, "") for code in codes], fault)


def _layout(generation: str) -> list[tuple[str, str]]:
    """(header label, newer code) of the template's columns."""
    numbered = {
        "XK_XDR_SHXYM",
        "XK_XDR_GSZC",
        "XK_XDR_ZZJG",
        "XK_XDR_SWDJ",
        "XK_XDR_SYDW",
        "XK_XDR_SHZZ",
        "XK_XDR_SFZ",
    }
    numbered |= {"XK_XDR_ZDM", "XK_XDR_GSDJ"}
    layout = []
    for column in permit_columns(generation)["columns"]:
        code = column["code"]
        if code == "XK_FR_SFZH":
            continue
        label = column["name"]
        if code in numbered:
            label = (
                next(text for text in column["variants"] if "(" in text).replace("(", "（").replace(")", "）")
            )
        layout.append((label, column.get("as", code)))
    return layout


def _draw(*parts: object) -> Iterator[int]:
    """An endless stream of numbers that depends on nothing but `parts`."""
    digest = hashlib.blake2b(repr(parts).encode()).digest()
    while True:
        for i in range(0, 64, 4):
            yield int.from_bytes(digest[i : i + 4])
        digest = hashlib.blake2b(digest).digest()


def _values(i: int, n: int, seed: int, generation: str, holder: str | None) -> dict[str, str]:
    draw = _draw(seed, i)
    permits = [permit for permit in PERMITS if holder is None or holder in permit.holders]
    permit = permits[next(draw) % len(permits)]
    kind = holder or permit.holders[next(draw) % len(permit.holders)]
    party = _party(kind, next(draw) % max(1, n * 2 // 3), seed)
    decided = _LAST_DAY[generation] - timedelta(days=next(draw) % 300)
    values = {
        **party,
        "XK_XKWS": f"{permit.item}准予行政许可决定书",
        "XK_XMMC": permit.item,
        "XK_WSH": f"示{permit.word}〔{decided.year}〕{seed}-{i + 1:06d}号",
        "XK_XKLB": permit.kind,
        "XK_XKZS": permit.licence,
        "XK_XKBH": f"{permit.prefix}{AREA}{seed}{i + 1:07d}",
        "XK_NR": f"准予{permit.item}：{permit.contents[next(draw) % len(permit.contents)]}",
        "XK_JDRQ": _day(decided),
        "XK_YXQZ": _day(decided),
        "XK_YXQZI": _until(permit, decided, next(draw)),
        "XK_XKJG": permit.office.name,
        "XK_XKJGDM": permit.office.code,
        "XK_ZT": "1" if generation == "2018" else "0",
        "XK_LYDW": APPROVAL_OFFICE.name,
        "XK_LYDWDM": APPROVAL_OFFICE.code,
        "DFBM": AREA,
        "SJC": f"{_day(decided + timedelta(days=1))} 09:00:00",
    }
    if generation == "2015":
        values.pop("XK_XDR_ZJLX", None)
    return values


def _party(kind: str, index: int, seed: int) -> dict[str, str]:
    """The same code always has the same name, whatever the seed; within a seed no two parties share a code."""
    number = index + next(_draw(seed, kind)) % 10_000_000
    draw = _draw(kind, number)
    first, second = (SYLLABLES[next(draw) % len(SYLLABLES)] for _ in range(2))
    person = SURNAMES[next(draw) % len(SURNAMES)] + SYLLABLES[next(draw) % len(SYLLABLES)]
    values = {"XK_XDR_MC": person, "XK_XDR_LB": _KIND_NAMES[kind]}
    if kind == "natural":
        return {**values, "XK_XDR_ZJLX": "身份证", "XK_XDR_ZJHM": _citizen(number)}
    tail = ""
    for _ in range(6):
        number, rest = divmod(number, 31)
        tail = _TAIL[rest] + tail
    if kind == "legal":
        name, prefix = f"{COUNTY}{first}{second}{TRADES[next(draw) % len(TRADES)]}有限公司", "91"
    else:
        street, shop = STREETS[next(draw) % len(STREETS)], SHOPS[next(draw) % len(SHOPS)]
        name, prefix = f"{COUNTY}{street}{first}{shop}", "92"
    return {**values, "XK_XDR_MC": name, "XK_XDR_SHXYM": uscc(prefix, f"MA{tail}"), "XK_FRDB": person}


def _citizen(index: int) -> str:
    born = date(1958, 1, 1) + timedelta(days=index % 15000)
    body = f"{AREA}{born:%Y%m%d}{index // 15000 % 1000:03d}"
    return body + citizen_check_char(body)


def _day(day: date) -> str:
    return f"{day:%Y/%m/%d}"


def _until(permit: Permit, decided: date, chance: int) -> str:
    if permit.years == 0:
        return "长期" if chance % 2 else "2099/12/31"
    return _day(decided + timedelta(days=round(permit.years * 365.25) - 1))


def _holder_for(fault: str | None) -> str | None:
    """The kind of party a fault needs."""
    if fault in ("id_check", "missing_id", "id_document_kind"):
        return "natural"
    return (
        "legal"
        if fault and FAULTS.get(fault, FAULTS_2018.get(fault, "")) in ("XK_XDR_SHXYM", "XK_FRDB")
        else None
    )


def _plant(values: dict[str, str], fault: str) -> None:
    """Spoil one cell."""
    code, number = values.get("XK_XDR_SHXYM", ""), values.get("XK_XDR_ZJHM", "")
    spoiled = {
        "uscc_check": code[:17] + ("0" if code[17:] != "0" else "1"),
        "uscc_letter": code[:12] + "O" + code[13:],
        "uscc_length": code[:17],
        "uscc_scientific": "9.19901E+17",
        "id_check": number[:17] + ("0" if number[17:] != "0" else "1"),
        "long_content": "准予许可。" * 1000,
        "control_character": values["XK_NR"] + "\x07",
        "mojibake": values["XK_XDR_MC"][:-1] + "\ufffd",
        "permit_kind": "一般",
        "decided_not_a_day": "2018/02/30",
        "decided_in_future": "2098/01/01",
        "until_before_from": "2001/01/01",
        "state": "9",
        "id_document_kind": "驾驶证",
        "party_kind": "企业集团",
        "authority_uscc": "11370100MB00000190",
    }
    values[{**FAULTS, **FAULTS_2018}[fault]] = spoiled.get(fault, "")
    if fault == "decided_in_future":
        values["XK_YXQZI"] = "长期"
