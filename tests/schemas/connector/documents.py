"""Connector documents for tests: one that uses everything, and any that have the right shape."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

EVERYTHING: dict[str, Any] = {
    "format": 1,
    "code": "scjg-db",
    "department": "scjg",
    "title": "市场监管前置库",
    "area": "990101",
    "endpoints": [
        {
            "name": "front",
            "kind": "sql",
            "settings": {"host": "10.1.2.3", "port": 3306, "options": {"a": [1, 2.5, True]}},
            "secrets": {"password": "sealed"},
        }
    ],
    "flows": [
        {
            "name": "packages",
            "direction": "out",
            "message": "approval.decided.v1",
            "endpoint": "front",
            "place": {"table": "up_permit"},
            "when": "r.event.type != ''",
            "fields": [
                {"target": "XK_WSH", "sources": ["elements.XK_WSH"], "required": True},
                {
                    "target": "XK_JDRQ",
                    "sources": ["elements.XK_JDRQ"],
                    "steps": [{"do": "trim"}, {"do": "date", "options": {"to": "%Y-%m-%d"}}],
                    "otherwise": "",
                },
            ],
            "columns": [{"name": "XK_WSH", "title": "行政许可决定文书号", "required": True, "length": 64}],
        }
    ],
    "code_tables": [{"name": "结果", "ours": "check_result", "pairs": [["合格", "1"], ["不合格", "2"]]}],
    "running": {"poll_seconds": 60, "schedule": "0 8 * * 1-5", "quiet_from": "22:00", "quiet_to": "06:00"},
    "note": '第一行\n第二行 "引号" \\ 反斜杠',
}

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)
_NAME = st.from_regex(r"[0-9A-Za-z_一-龥][0-9A-Za-z_.一-龥-]{0,8}", fullmatch=True)
_VALUE = st.recursive(
    _TEXT | st.integers(-(2**53), 2**53) | st.booleans() | st.floats(-1e6, 1e6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)
_VALUES = st.dictionaries(_TEXT, _VALUE, max_size=3)
_FILLED = _TEXT.filter(bool)
_FIELD = st.fixed_dictionaries(
    {"target": _FILLED},
    optional={
        "sources": st.lists(_FILLED, max_size=2),
        "steps": st.lists(
            st.fixed_dictionaries({"do": st.sampled_from(["trim", "date"])}, optional={"options": _VALUES}),
            max_size=2,
        ),
        "when": _TEXT,
        "otherwise": _VALUE,
        "required": st.booleans(),
        "note": _TEXT,
    },
)
_FLOW = st.fixed_dictionaries(
    {
        "name": _NAME,
        "direction": st.sampled_from(["out", "in"]),
        "message": _FILLED,
        "endpoint": _NAME,
    },
    optional={
        "place": _VALUES,
        "each": _TEXT,
        "when": _TEXT,
        "fields": st.lists(_FIELD, max_size=2),
        "columns": st.lists(
            st.fixed_dictionaries({"name": _FILLED}, optional={"title": _TEXT, "length": st.integers(0, 9)}),
            max_size=2,
        ),
        "active": st.booleans(),
    },
)
_ENDPOINT = st.fixed_dictionaries(
    {"name": _NAME, "kind": st.sampled_from(["sql", "folder", "http"])},
    optional={
        "settings": _VALUES,
        "secrets": st.dictionaries(_FILLED, st.sampled_from(["sealed", "env:A"]), max_size=2),
    },
)
_TABLE = st.fixed_dictionaries(
    {"name": _NAME},
    optional={
        "title": _TEXT,
        "ours": _TEXT,
        "pairs": st.lists(st.lists(_TEXT, min_size=2, max_size=2), max_size=3),
    },
)

#: Any document of the right shape, whatever it means.
DOCUMENTS = st.fixed_dictionaries(
    {"code": st.just("a1"), "department": st.just("b1"), "title": _FILLED},
    optional={
        "note": _TEXT,
        "endpoints": st.lists(_ENDPOINT, max_size=2),
        "flows": st.lists(_FLOW, max_size=2),
        "code_tables": st.lists(_TABLE, max_size=2),
        "running": st.fixed_dictionaries(
            {}, optional={"poll_seconds": st.integers(1, 99), "quiet_from": st.just("22:00")}
        ),
    },
)
