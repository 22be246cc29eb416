"""What the connector is told and how a department writes: the settings file, and loosely written findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.department.config import read_config, validate_config
from connectors.errors import Misconfigured
from schemas.drafts.unfit import Unfit
from schemas.drafts.written import finding_data, report_data, said_at
from storage.signing import generate_private_key

GOOD = """
[department]
code = "scjg"
area = "990101"
key_file = "key.pem"
[hub]
trust_bundle = "trust.json"
[broker]
bootstrap = "127.0.0.1:9092"
fetch_max_wait_ms = 50
security_protocol = "SASL_SSL"
[adapter]
kind = "folder"
folder = "exchange"
[files]
fetch_files = true
stated_use = "事中事后监管"
"""


def write(folder: Path, text: str, *, key: bytes | None = None) -> Path:
    (folder / "key.pem").write_bytes(key if key is not None else generate_private_key())
    (folder / "connector.toml").write_text(text, "utf-8")
    return folder / "connector.toml"


def test_good_settings_are_read_relative_to_their_file(tmp_path: Path) -> None:
    """Claim: paths are relative to the file; topics, source and broker options follow from the settings."""
    path = write(tmp_path, GOOD)
    assert validate_config(path) == []
    config = read_config(path)
    assert config.folder == tmp_path / "exchange"
    assert config.state_dir == tmp_path / "state"
    assert (config.topic_in, config.topic_out) == ("990101.scjg.in", "990101.scjg.out")
    assert config.bus.fetch_max_wait_ms == 50
    assert config.bus.security == {"security_protocol": "SASL_SSL"}
    assert config.files.fetch


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('code = "scjg"', "", "缺少 [department] code"),
        ('code = "scjg"', 'code = "市场监管"', "小写字母"),
        ('code = "scjg"', "code = 7", "应为文字"),
        ('kind = "folder"', 'kind = "ftp"', "table（数据表）或 folder（文件夹）"),
        (
            'kind = "folder"\nfolder = "exchange"',
            'kind = "table"\ndatabase = "mysql://x"',
            "sqlite:///文件路径",
        ),
        ('bootstrap = "127.0.0.1:9092"', "", "缺少 [broker] bootstrap"),
        ("fetch_max_wait_ms = 50", 'fetch_max_wait_ms = "50"', "正整数"),
        ("fetch_max_wait_ms = 50", "ssl_cafil = 'x'", "ssl_cafil"),
        ('"SASL_SSL"', '"TLS"', "security_protocol"),
        ('stated_use = "事中事后监管"', "", "stated_use"),
        ("[files]", "[file]", "不认识的小节"),
        ('folder = "exchange"', 'folder = "exchange"\npoll = 1', "不认识的设置 poll"),
        ('folder = "exchange"', 'folder = "exchange"\npoll_ms = 1', "200 到 60000"),
        ("[hub]", "[hub", "TOML"),
    ],
)
def test_every_fault_has_a_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    """Claim: each wrong setting is named with what would be right, and nothing starts with it."""
    path = write(tmp_path, GOOD.replace(old, new, 1))
    assert words in "；".join(validate_config(path))
    with pytest.raises(Misconfigured):
        read_config(path)


def test_over_rest_instead_of_a_broker(tmp_path: Path) -> None:
    """Claim: [rest] in the place of [broker] needs the hub's address (the trust bundle's may serve); both are too many."""
    broker = GOOD[GOOD.index("[broker]") : GOOD.index("[adapter]")]
    rest = GOOD.replace(broker, "[rest]\npoll_ms = 500\n")
    assert "public_url" in validate_config(write(tmp_path, rest))[0]
    config = read_config(
        write(tmp_path, rest.replace('"trust.json"', '"https://hub.invalid/api/hub/trust-bundle"'))
    )
    assert (config.bus, config.hub_address, config.rest_poll_ms) == (None, "https://hub.invalid", 500)
    named = rest.replace("[hub]", '[hub]\npublic_url = "https://other.invalid/"')
    assert read_config(write(tmp_path, named)).hub_address == "https://other.invalid"
    both = write(tmp_path, GOOD.replace("[hub]", '[hub]\npublic_url = "https://hub.invalid"') + "[rest]\n")
    assert "只能写一个" in "；".join(validate_config(both))


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ({"fine": "2000元"}, 200_000),
        ({"fine": "人民币 2,000.50 元"}, 200_050),
        ({"fine": "0.2万元"}, 200_000),
        ({"fine_wan": 0.2}, 200_000),
        ({"fine_wan": "1,000.50"}, 1_000_500_000),
        ({"fine_yuan": "2000", "fine_wan": "0.2", "fine_fen": 200_000}, 200_000),
        ({"fine_yuan": "0"}, 0),
        ({}, None),
    ],
)
def test_money_is_exact(written: dict[str, Any], fen: int | None) -> None:
    """Claim: 元 and 万元 become whole 分, by decimal arithmetic."""
    assert report_data("enforcement", written).get("fine_fen") == fen


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"fine": "2000"}, "没有单位"),
        ({"fine": 2000}, "没有单位"),
        ({"fine": "两千元"}, "读不懂"),
        ({"fine": "0.001 元"}, "不足一分"),
        ({"fine_wan": "2000 元"}, "不符"),
        ({"fine": "2000 元", "fine_wan": "2000"}, "不一致"),
        ({"fine": "1.2.3 元"}, "读不懂"),
    ],
)
def test_money_that_may_be_wrong_is_not_sent(written: dict[str, Any], words: str) -> None:
    """Claim: no unit, another unit than the column's, two amounts that differ, less than a 分: told, never guessed."""
    with pytest.raises(Unfit, match=words):
        report_data("enforcement", written)


def test_the_same_question_is_the_same_thread() -> None:
    """Claim: a question without a thread opens one whose number follows from what is asked."""
    asked = {"project_no": "c-1", "subject": "地址", "body": "请核对", "author": "示例己"}
    one, two = report_data("advice", asked), report_data("advice", {**asked, "author": "示例庚"})
    assert one["thread_id"] == two["thread_id"]
    assert one["kind"] == "question"
    assert report_data("advice", {**asked, "body": "再核对"})["thread_id"] != one["thread_id"]


def test_a_missing_file_and_a_bad_key_have_sentences(tmp_path: Path) -> None:
    """Claim: an absent settings file and a private key that is none are told in words."""
    assert "读不出来" in validate_config(tmp_path / "none.toml")[0]
    assert "私钥文件" in validate_config(write(tmp_path, GOOD, key=b"x"))[0]
    (tmp_path / "key.pem").unlink()
    assert "私钥文件" in validate_config(tmp_path / "connector.toml")[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"check_result": 3, "handling": "限期整改"}, {"check_result": "3", "handling": "2"}),
        ({"check_result": "合格"}, {"check_result": "合格"}),
        ({"inspected_at": "2026/11/1"}, {"inspected_at": "2026-11-01"}),
        ({"inspected_at": "2026年11月1日"}, {"inspected_at": "2026-11-01"}),
        ({"inspected_at": "2026-11-01 9:05"}, {"inspected_at": "2026-11-01T09:05:00+08:00"}),
        ({"inspected_at": "2026-11-01T09:05:06Z"}, {"inspected_at": "2026-11-01T09:05:06Z"}),
        ({"inspected_at": "2026-11-01T09:05:06.123+08:00"}, {"inspected_at": "2026-11-01T09:05:06+08:00"}),
        ({"inspected_at": "去年"}, {"inspected_at": "去年"}),
        ({"rectify_by": "2026.12.5 00:00:00"}, {"rectify_by": "2026-12-05"}),
        (
            {"inspectors": "甲（001）;乙"},
            {"inspectors": [{"name": "甲", "certificate_no": "001"}, {"name": "乙"}]},
        ),
        ({"inspectors": '[{"name": "甲"}]'}, {"inspectors": [{"name": "甲"}]}),
        ({"inspectors": ["甲", {"name": "乙"}]}, {"inspectors": [{"name": "甲"}, {"name": "乙"}]}),
        ({"inspectors": 7}, {"inspectors": 7}),
        (
            {"certificate_identifier": " 1.2 ", "explain": " ", "publicity": None},
            {"certificateIdentifier": "1.2"},
        ),
        ({"finding_no": 12, "case_no": "c-1"}, {"finding_no": "12", "project_no": "c-1"}),
        ({"own_field": "kept"}, {"own_field": "kept"}),
    ],
)
def test_forms_that_people_use(written: dict[str, Any], meant: dict[str, Any]) -> None:
    """Claim: only the form changes; what is not understood stays as it is, unknown fields too, empty ones go."""
    assert finding_data(written) == meant


def test_times_of_claims() -> None:
    """Claim: a claim's time is a date-time with its zone, or nothing."""
    assert said_at("2026-11-21") == "2026-11-21T00:00:00+08:00"
    assert said_at("2026/11/21 8:00") == "2026-11-21T08:00:00+08:00"
    assert said_at(" ") is None
    assert said_at(None) is None
