"""`shenguan licence check`: two files and whom to trust are enough, on any machine."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.licensing.checking.make_status_lists import status_entry
from shenguan.cli import root
from shenguan.cli.faults import run
from storage.licences.sm2 import Sm2Signer, make_demo_sm2
from storage.signing import Signer, generate_private_key
from tests.storage.signers import authority, signer
from tests.storage.test_licence_inspect import CA, METADATA, OURS, issued

HUB = Signer.from_pem("hub", generate_private_key())
URL = "https://hub.invalid"
PLACE = 5
LICENCE = issued(OURS, {**METADATA, "certificateValidateEnd": "20991231", **status_entry(PLACE, URL)})


def status_list(value: int, *, by: Signer = HUB, number: int = 0, age: timedelta = timedelta()) -> str:
    packed = bytearray(16)
    packed[PLACE // 2] = value << (4 * (PLACE % 2))
    issued_at = int((datetime.now(UTC) - age).timestamp())
    lst = base64.urlsafe_b64encode(zlib.compress(packed)).rstrip(b"=").decode()
    claims = {
        "sub": f"{URL}/status-lists/{number}",
        "iat": issued_at,
        "exp": issued_at + 86400,
        "status_list": {"bits": 4, "lst": lst},
    }
    return by.sign_attached(json.dumps(claims).encode(), typ="statuslist+jwt")


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SHENGUAN_DATA", str(tmp_path / "nothing"))
    trust = tmp_path / "trust.pem"
    trust.write_text((CA.pem + OURS.pem).decode() + HUB.public_pem)

    def asked(
        data: bytes, listed: str | None = None, *more: str, trusted: Path | None = trust
    ) -> tuple[int, dict[str, Any]]:
        (tmp_path / "licence.pdf").write_bytes(data)
        arguments = ["licence", "check", str(tmp_path / "licence.pdf"), "--json", *more]
        if listed is not None:
            (tmp_path / "list.jwt").write_text(listed)
            arguments += ["--status-list", str(tmp_path / "list.jwt")]
        if trusted is not None:
            arguments += ["--trust", str(trusted)]
        code = run(root, arguments)
        return code, json.loads(capsys.readouterr().out)

    return asked


@pytest.mark.parametrize(
    ("value", "outcome", "code"),
    [
        *((0, "valid", 0), (1, "other", 3), (2, "suspended", 3), (3, "superseded", 3), (9, "other", 3)),
        *((12, "withdrawn", 3), (13, "cancelled", 3), (14, "expired", 3), (15, "revoked", 3)),
    ],
)
def test_every_status(ask: Any, value: int, outcome: str, code: int) -> None:
    """Each value of the list in a word, and an exit code that a script can act on."""
    got, said = ask(LICENCE, status_list(value))
    assert (got, said["outcome"]) == (code, outcome)
    assert said["signature"] == "intact"


def test_without_a_list(ask: Any) -> None:
    """Genuine, but nothing known of what became of it: not a success."""
    code, said = ask(LICENCE)
    assert (code, said["outcome"]) == (3, "unchecked")
    assert "不知道" in said["sentence"]


@pytest.mark.parametrize(
    "listed",
    [
        status_list(0, by=Signer.from_pem("hub", generate_private_key())),
        status_list(0, number=1),
        status_list(0, age=timedelta(days=2)),
        "nonsense",
    ],
    ids=["stranger's", "another list", "old", "nonsense"],
)
def test_a_list_that_proves_nothing(ask: Any, listed: str) -> None:
    """A forged, mistaken or stale list never makes a licence valid."""
    code, said = ask(LICENCE, listed)
    assert (code, said["outcome"]) == (3, "unchecked")
    assert "不能采信" in said["sentence"]


def test_files_not_to_be_believed(ask: Any) -> None:
    """Altered, a stranger's, no PDF: 1, whatever the list says."""
    at = LICENCE.index(b"/MediaBox")
    for data, outcome in (
        (LICENCE[: at + 1] + b"N" + LICENCE[at + 2 :], "altered"),
        (issued(signer(authority())), "stranger"),
        (b"text", "unreadable"),
    ):
        code, said = ask(data, status_list(0))
        assert (code, said["outcome"]) == (1, outcome)
        assert said["metadata"] == {}


def test_the_last_day_counts(ask: Any) -> None:
    """A list may be older than midnight; the day in the file is not."""
    ended = issued(OURS, {**METADATA, "certificateValidateEnd": "20261101", **status_entry(PLACE, URL)})
    code, said = ask(ended, status_list(0))
    assert (code, said["outcome"]) == (3, "expired")


def test_nobody_to_trust(ask: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a trust file away from the hub: the sentence that says where it is. A file that is not there: 2."""
    code, said = ask(LICENCE, trusted=None)
    assert code == 2
    assert "licence-trust.pem" in said["error"]
    assert run(root, ["licence", "check", str(tmp_path / "none.pdf")]) == 2
    assert "读不出来" in capsys.readouterr().err


def test_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For a person: sentence, name, identifier, signer."""
    (tmp_path / "l.pdf").write_bytes(LICENCE)
    (tmp_path / "t.pem").write_text((CA.pem + OURS.pem).decode() + HUB.public_pem)
    (tmp_path / "list").write_text(status_list(2))
    arguments = [
        str(tmp_path / "l.pdf"),
        "--trust",
        str(tmp_path / "t.pem"),
        "--status-list",
        str(tmp_path / "list"),
    ]
    assert run(root, ["licence", "check", *arguments]) == 3
    said = capsys.readouterr().out
    for words in (
        "暂扣",
        "食品经营许可证",
        METADATA["certificateIdentifier"],
        "示范县行政审批服务局（测试章）",
    ):
        assert words in said


def test_with_its_sm2_signature(ask: Any, tmp_path: Path) -> None:
    """Beside the PDF's own; by a certificate that the trust file names, over this very file."""
    pem = make_demo_sm2(tmp_path / "keys").read_text()
    hand = Sm2Signer.from_folder(tmp_path / "keys")
    beside = tmp_path / "licence.sm2"
    beside.write_bytes(hand.sign(LICENCE, datetime.now(UTC)))
    trust = tmp_path / "with-sm2.pem"
    trust.write_text((CA.pem + OURS.pem).decode() + HUB.public_pem + pem)
    code, said = ask(LICENCE, status_list(0), "--sm2", str(beside), trusted=trust)
    assert (code, said["outcome"]) == (0, "valid")
    assert "国密签名有效" in said["sm2"]
    code, said = ask(LICENCE, status_list(0), "--sm2", str(beside))
    assert code == 1
    assert "不在信任文件里" in said["sm2"]
    beside.write_bytes(hand.sign(LICENCE + b" ", datetime.now(UTC)))
    code, said = ask(LICENCE, status_list(0), "--sm2", str(beside), trusted=trust)
    assert code == 1
    assert "不一致" in said["sm2"]
