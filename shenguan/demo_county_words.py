"""The demo's seventeen further departments: who they are, which permits each supervises, and how each is joined."""

from __future__ import annotations

from dataclasses import dataclass

from shenguan.sample_words import COUNTY, OFFICES, uscc


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One of them. `permits`: their places in PERMITS, from 1. `way`: one of demo_mappings.WAYS, or 'rest'."""

    code: str
    name: str
    uscc: str
    permits: tuple[int, ...]
    way: str


def _new(code: str, name: str, number: int, permits: tuple[int, ...], way: str) -> Neighbour:
    return Neighbour(code, name, uscc("11", f"MB0000{number}"), permits, way)


def _office(code: str, place: int, permits: tuple[int, ...], way: str) -> Neighbour:
    """One of the bodies that also approve in the sample sheets."""
    return Neighbour(code, OFFICES[place].name, OFFICES[place].code, permits, way)


#: It pulls from the hub's REST door by a program of its own; the hub's host connects all others.
PULLING = _new("zrzy", f"{COUNTY}自然资源局", 11, (4, 8), "rest")
HOSTED = (
    _new("swj", f"{COUNTY}税务局", 12, (1, 4, 7), "permit_table"),
    _new("sthj", f"{COUNTY}生态环境局", 13, (1, 4, 9), "table_both"),
    _new("gaj", f"{COUNTY}公安局", 14, (2, 3, 5, 6), "table"),
    _new("swb", f"{COUNTY}商务局", 15, (1,), "csv"),
    _new("rsj", f"{COUNTY}人力资源和社会保障局", 16, (1, 12), "csv"),
    _new("cgjd", f"{COUNTY}城关街道办事处", 17, (1, 6, 11), "xlsx"),
    _new("slj", f"{COUNTY}水利局", 18, (4, 8), "table"),
    _new("ybj", f"{COUNTY}医疗保障局", 19, (2, 12), "json"),
    _new("wlj", f"{COUNTY}文化和旅游局", 20, (3,), "csv"),
    _new("jyj", f"{COUNTY}教育和体育局", 21, (10,), "xml"),
    _new("mzj", f"{COUNTY}民政局", 22, (10,), "csv"),
    _new("fgj", f"{COUNTY}发展和改革局", 23, (4,), "json"),
    _office("lyj", 3, (5,), "gbk"),
    _office("jtj", 5, (7,), "xlsx"),
    _office("zjj", 6, (11,), "xml"),
    _office("nyncj", 7, (9,), "csv_both"),
)
NEIGHBOURS = (PULLING, *HOSTED)
SIGN_DAYS = 5
