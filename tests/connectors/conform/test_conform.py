"""`shenguan conform`: our own connector keeps the contract; programs that break it in one way each are told so by name."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from connectors.bus import BusSettings, Message, Record
from connectors.conform import workshop
from connectors.conform.broker_way import BrokerWay
from connectors.conform.letters import Letter, letters
from connectors.conform.play import Way, play
from connectors.conform.rest_way import RestWay
from connectors.conform.verdict import DEMANDS, Line, judge
from connectors.conform.workshop import Workshop
from connectors.department.config import ConnectorConfig
from connectors.department.program import run_configured
from connectors.errors import Misconfigured
from schemas import dumps, violations
from shenguan.cli.conform import conform
from storage.signing import Signer, generate_private_key, sign_token
from tests.connectors.conform.broken import Program, serve

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listens less long to what must not come."""
    monkeypatch.setattr("connectors.conform.play.LISTEN_S", 0.7)


@pytest.fixture
def shop(tmp_path: Path, area: str) -> Workshop:
    return workshop.prepare(tmp_path / "trial", area, "trial", None)


def signer_of(shop: Workshop) -> Signer:
    return Signer.from_pem(shop.department, (shop.folder / workshop.DEPARTMENT_KEY).read_bytes())


def tried(shop: Workshop, breaks: str) -> list[Line]:
    """The verdict about a program, without a broker in between."""
    program = Program(shop, signer_of(shop), breaks)
    sent = letters(shop)
    said: list[Message] = []
    for letter in sent:
        said += [_as_message(one, len(said)) for one in program.answer(_sent(letter))]
    return judge(sent, said, shop)


def _sent(letter: Letter) -> Message:
    headers = {"signature": letter.signature.encode()} if letter.signature else {}
    return Message("in", 0, 0, letter.key.encode(), letter.value, headers)


def _as_message(record: Record, offset: int) -> Message:
    return Message(record.topic, 0, offset, record.key, record.value, dict(record.headers))


def wrong(lines: list[Line]) -> set[str]:
    return {one.name for one in lines if not one.ok}


def test_a_program_that_keeps_the_contract_is_told_so(shop: Workshop) -> None:
    """Claim: nothing is found against a program that does everything right."""
    lines = tried(shop, "")
    assert [one for one in lines if not one.ok] == []
    assert {"heard", *DEMANDS} <= {one.name for one in lines}


@pytest.mark.parametrize(
    ("breaks", "found"),
    [
        ("does not verify", {"no:changed", "no:unsigned", "no:stranger", "no:forged", "no:alg-none"}),
        ("takes what is for others", {"no:other", "no:area"}),
        ("takes big ones", {"no:too-big"}),
        ("stops at bad ones", {"yes:after"}),
        ("signs twice", {"once", "once:duplicate"}),
        ("hashes anew", {"hash"}),
        ("other push", {"push"}),
        ("signs for unknown", {"reference"}),
        ("leaves out withdrawals", {"yes:withdrawn"}),
        ("leaves out arrived", {"arrived"}),
        ("signs before it arrives", {"arrived"}),
        ("forgets a field", {"schema"}),
        ("uses one id", {"same-id"}),
        ("speaks as another", {"source"}),
        ("signs other bytes", {"signature"}),
        ("writes no JSON", {"json"}),
        ("keys anyhow", {"key"}),
        ("does not count", {"count"}),
        ("finds in a strange case", {"reference"}),
    ],
)
def test_what_is_broken_is_named(shop: Workshop, breaks: str, found: set[str]) -> None:
    """Claim: each breach is found, by name and with words; what the program does right is not blamed."""
    lines = tried(shop, breaks)
    assert found <= wrong(lines)
    if breaks not in (
        "signs for unknown",
        "forgets a field",
        "writes no JSON",
        "uses one id",
        "signs other bytes",
    ):
        assert {one for one in wrong(lines) if not one.startswith(("no:", "yes:"))} <= found
    assert all(one.words for one in lines if not one.ok)


def test_what_was_asked_for_and_did_not_come_is_said(shop: Workshop) -> None:
    """Claim: a claim and a finding that were asked for and did not come are two lines of their own."""
    program, sent = Program(shop, signer_of(shop)), letters(shop)
    said = [one for letter in sent for one in program.answer(_sent(letter))]
    lines = judge(sent, [_as_message(one, n) for n, one in enumerate(said)], shop, ("claimed", "finding"))
    assert wrong(lines) == {"claimed", "finding"}


def test_silence_is_no_conformity(shop: Workshop) -> None:
    """Claim: a program that says nothing fails every message that had to be signed for, and is told that nothing came."""
    lines = judge(letters(shop), [], shop)
    assert {"heard", "yes:decided", "yes:after"} <= wrong(lines)
    assert not any(one.ok for one in lines)


def test_what_is_sent_is_what_a_hub_sends(shop: Workshop) -> None:
    """Claim: every good letter is valid; every hostile one is no valid, trusted message for this department."""
    sent = letters(shop)
    assert len({one.name for one in sent}) == len(sent)
    for one in sent:
        if one.expects == "signed":
            assert violations(one.event["type"], one.event) == []
    assert len([one for one in sent if one.expects == "nothing"]) >= 10
    assert sent[-1].expects == "signed"


def own(shop: Workshop, folder: Path, **way: Any) -> ConnectorConfig:
    return ConnectorConfig(
        code=shop.department,
        area=shop.area,
        key_file=shop.folder / workshop.DEPARTMENT_KEY,
        state_dir=folder / "state",
        trust_bundle=str(shop.folder / workshop.TRUST),
        adapter="table",
        database=f"sqlite:///{folder / 'own.sqlite'}",
        poll_ms=200,
        rest_poll_ms=200,
        **way,
    )


def wrong_with(shop: Workshop, way: Way, config: ConnectorConfig) -> list[Line]:
    """What is found against the shipped connector, running with these settings."""
    stop = threading.Event()
    thread = threading.Thread(target=run_configured, args=(config, stop), daemon=True)
    thread.start()
    try:
        lines = play(shop, way, wait_s=120, tell=lambda words: None)
    finally:
        stop.set()
        thread.join(60)
        way.close()
    return [one for one in lines if not one.ok]


def test_our_own_connector_keeps_the_contract(shop: Workshop, bus: BusSettings, tmp_path: Path) -> None:
    """Claim: over a real broker the shipped connector keeps every demand."""
    assert wrong_with(shop, BrokerWay(shop, bus), own(shop, tmp_path, bus=bus)) == []


def test_our_own_connector_keeps_it_over_rest(shop: Workshop, tmp_path: Path) -> None:
    """Claim: over the REST door that the trial plays, too."""
    way = RestWay(shop, "127.0.0.1:0")
    assert wrong_with(shop, way, own(shop, tmp_path, bus=None, public_url=way.address)) == []


def test_a_program_of_other_peoples_tools_keeps_the_contract(
    shop: Workshop, bus: BusSettings, tmp_path: Path
) -> None:
    """Claim: a department written with aiokafka, joserfc and the AsyncAPI document alone keeps every demand; it claims and
    reports when asked to."""
    (tmp_path / "asyncapi.json").write_bytes((ROOT / "schemas" / "asyncapi.json").read_bytes())
    settings = {
        "area": shop.area, "code": shop.department, "kid": signer_of(shop).kid, "bootstrap": bus.bootstrap,
        "private_key": str(shop.folder / workshop.DEPARTMENT_KEY), "hub_keys": {shop.hub.kid: shop.hub.public_pem},
        "asyncapi": str(tmp_path / "asyncapi.json"), "stop": str(tmp_path / "stop"), "report": str(tmp_path / "report"),
    }  # fmt: skip
    (tmp_path / "settings.json").write_bytes(dumps(settings))
    way, told = BrokerWay(shop, bus), list[str]()
    program = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "county" / "outsider.py"), str(tmp_path / "settings.json")],
        cwd=tmp_path,
    )
    try:
        lines = play(shop, way, wait_s=120, tell=told.append, asked=("claimed", "finding"))
    finally:
        (tmp_path / "stop").touch()
        program.wait(60)
        way.close()
    assert [one for one in lines if not one.ok] == []
    assert [one.name for one in lines[-2:]] == ["claimed", "finding"]
    assert "请在被检验的程序中对办件" in told[1]


def test_the_door_says_what_is_wrong_with_a_request(shop: Workshop) -> None:
    """Claim: no token, a stranger's, one that was used, a place that was never given, a body that is none: each is named."""
    way = RestWay(shop, "127.0.0.1:0")
    at, here = datetime.now(UTC).timestamp(), f"{way.address}/api/hub/v1"
    claims = {
        "aud": f"/{shop.area}/hub",
        "sub": "exchange",
        "iat": int(at),
        "exp": int(at) + 60,
        "jti": "a" * 8,
    }

    def token(**other: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {sign_token(signer_of(shop), {**claims, **other})}"}

    stranger = Signer.from_pem(shop.department, generate_private_key())
    strange = {"Authorization": f"Bearer {sign_token(stranger, {**claims, 'jti': 'b' * 8})}"}
    assert httpx.get(f"{here}/messages").status_code == 401
    assert httpx.get(f"{here}/messages", headers=strange).status_code == 401
    assert httpx.get(f"{here}/messages", headers=token()).status_code == 200
    assert httpx.get(f"{here}/messages", headers=token()).status_code == 409
    assert httpx.get(f"{here}/messages?after=77", headers=token(jti="c" * 8)).status_code == 410
    assert httpx.post(f"{here}/messages", content=b"{", headers=token(jti="d" * 8)).status_code == 422
    assert (
        httpx.post(f"{here}/messages", json={"messages": [7]}, headers=token(jti="e" * 8)).status_code == 422
    )
    assert httpx.get(f"{here}/nowhere", headers=token(jti="f" * 8)).status_code == 404
    assert [one.ok for one in way.complaints()] == [True, False]
    way.close()
    for address in ("8099", "host:x", "127.0.0.1:99999"):
        with pytest.raises(Misconfigured):
            RestWay(shop, address)


def test_the_command_says_it_as_a_table_and_as_json(shop: Workshop, bus: BusSettings) -> None:
    """Claim: prepared and run from the command line, a broken program gives exit code 1 and its faults by name."""
    folder = str(shop.folder)
    made = CliRunner().invoke(conform, ["prepare", folder, "--area", shop.area, "--json"])
    assert json.loads(made.stdout)["topic_in"] == shop.topic_in
    stop = threading.Event()
    way = BrokerWay(shop, bus)  # the topics
    way.close()
    thread = serve(Program(shop, signer_of(shop), "signs twice"), bus, stop.is_set)
    result = CliRunner().invoke(
        conform, ["run", folder, "--bootstrap", bus.bootstrap, "--wait", "20", "--json"]
    )
    stop.set()
    thread.join(60)
    assert result.exit_code == 1
    said: dict[str, Any] = json.loads(result.stdout)
    assert [one["name"] for one in said["lines"] if not one["ok"]] == ["once", "once:duplicate"]


def test_what_is_not_prepared_is_said(tmp_path: Path) -> None:
    """Claim: a folder without a trial, and a public key that is none, are named with what to do."""
    with pytest.raises(Misconfigured, match="prepare"):
        workshop.read(tmp_path)
    (tmp_path / "x.pem").write_text("nothing")
    with pytest.raises(Misconfigured, match="公钥"):
        workshop.prepare(tmp_path, "999999", "trial", tmp_path / "x.pem")
