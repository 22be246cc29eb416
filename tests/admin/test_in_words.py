"""Sentences of adapters, mappings and the hub are known again where they are stored, and read in English."""

from __future__ import annotations

import pytest
from flask_babel import force_locale

from admin.in_words import in_words, of_phrase
from hub.tracing.phrase import listed, phrase
from tests.admin.conftest import Hub


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("端口 5432 可以连接。", "The port 5432 can be reached."),
        ("数据库用户没有这个权限。", "Database: the user does not have this right."),
        ("表 xzxk 有 12 个字段，键 bjbh 唯一。", "The table xzxk has 12 fields, the key bjbh is unique."),
        (
            "对方的必填字段或键列没有来源：a、b。",
            "Fields that must be filled, or key columns, have no source: a, b.",
        ),
        (
            "字段 a 最长 10 字，这里有 12 字；字段 b 必填，这里为空",
            "The field a takes at most 10 characters, there are 12; The field b must be filled in, it is empty",
        ),
        (
            "线路“out”：文件夹 /in 打不开：磁盘已满。",
            "Flow “out”: Folder /in cannot be opened: the disk is full.",
        ),
    ],
)
def test_a_stored_sentence_is_known_again(hub: Hub, stored: str, said: str) -> None:
    """Claim: with the values in it, joined to others, and as part of another one; in Chinese it stays as it is."""
    with hub.app.test_request_context():
        with force_locale("en"):
            assert in_words(stored) == said
        with force_locale("zh"):
            assert in_words(stored) == stored


@pytest.mark.parametrize(
    "written", ["示范县税务局", "张三说没有权限", "请核实，尽快补交", "", "。", "；；", "100%(a)s"]
)
def test_what_people_write_stays_as_it_is(hub: Hub, written: str) -> None:
    """Claim: what the catalogue does not have is not touched, and a text that looks like a place does no harm."""
    with hub.app.test_request_context(), force_locale("en"):
        assert in_words(written) == written


def test_only_phrases_of_a_trace_are_translated(hub: Hub) -> None:
    """Claim: a phrase with its parts is said in English, what somebody wrote into it is not, be it a known text."""
    detail = listed(phrase("用途：%(use)s", use="没有权限"), "", phrase("当场办结"))
    assert detail == "用途：没有权限；当场办结"
    with hub.app.test_request_context(), force_locale("en"):
        assert of_phrase(detail) == "for: 没有权限; Finished on the spot"
        assert of_phrase("没有权限") == "没有权限"
