"""docs/joining.md is true: its bytes are checked with independent libraries, its program is run against a real hub."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc import jws
from joserfc.jwk import OKPKey
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from sqlalchemy import Engine, insert, select

from connectors.department.config import validate_config
from hub.add_material import StoredFacts, add_material
from hub.case import Case
from hub.deciding.decide import decide
from hub.exchange.announcement import Announcement
from hub.feedback.finding import Finding
from hub.item import ServiceItem
from hub.licensing.licence import Licence
from hub.open_case import open_case
from hub.pushing.push import Push
from schemas import code_table
from tests.connectors.waiting import until
from tests.docs.pages import ROOT, examples
from tests.front_door import HubShell, web_is_up
from tests.hub.builders import a_case

PAGE = ROOT / "docs" / "joining.md"
DEPARTMENT_MESSAGES = ("receipt", "finding")
# RFC 9864 prefers the name Ed25519; EdDSA is what every library knows.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@pytest.fixture(scope="module")
def page() -> dict[str, str]:
    return examples(PAGE)


@cache
def _validator(name: str) -> Draft202012Validator:
    """Straight from the files, with another library than ours."""
    folder = ROOT / "schemas" / "events"
    documents = {file.name: json.loads(file.read_text()) for file in folder.glob("*.json")}
    registry: Any = Registry().with_resources(
        (file, Resource.from_contents(document)) for file, document in documents.items()
    )
    return Draft202012Validator(documents[f"{name}.json"], registry=registry, format_checker=FormatChecker())


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _check_with_two_libraries(value: bytes, signature: str, public_pem: str, kid: str) -> None:
    header, empty, sig = signature.split(".")
    assert empty == ""
    whole = f"{header}.{_b64url(value)}.{sig}"
    read = jws.deserialize_compact(whole, OKPKey.import_key(public_pem), algorithms=["EdDSA"])
    assert read.payload == value
    assert read.headers() == {"alg": "EdDSA", "kid": kid}
    key = load_pem_public_key(public_pem.encode())
    assert isinstance(key, Ed25519PublicKey)
    raw = base64.urlsafe_b64decode(sig + "=" * (-len(sig) % 4))
    key.verify(raw, f"{header}.{_b64url(value)}".encode())


def _kid(code: str, public_pem: str) -> str:
    der = load_pem_public_key(public_pem.encode()).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return f"{code}-{hashlib.sha256(der).hexdigest()[:16]}"


def test_key_pair_and_kid(page: dict[str, str]) -> None:
    """The printed public key belongs to the printed private key, and the kid follows from it as described."""
    private = load_pem_private_key(page["department-private-key"].encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    public = load_pem_public_key(page["department-public-key"].encode())
    assert private.public_key() == public
    assert page["department-kid"] == _kid("zrzy", page["department-public-key"])


def test_package_signature_and_digest(page: dict[str, str]) -> None:
    """The printed package is valid, and its signature and digest are those of exactly these bytes."""
    value, hub_pem = page["package-value"].encode(), page["hub-public-key"]
    _check_with_two_libraries(value, page["package-signature"], hub_pem, _kid("hub", hub_pem))
    assert _kid("hub", hub_pem) in PAGE.read_text()
    assert hashlib.sha256(value).hexdigest() == page["package-sha256"]
    _validator("approval.decided.v1").validate(json.loads(value))


@pytest.mark.parametrize("name", DEPARTMENT_MESSAGES)
def test_department_messages_are_reproduced_byte_by_byte(page: dict[str, str], name: str) -> None:
    """Signing the printed bytes with the printed key by another library gives the printed signature."""
    value = page[f"{name}-value"].encode()
    key = OKPKey.import_key(page["department-private-key"])
    header, _, sig = jws.serialize_compact(
        {"alg": "EdDSA", "kid": page["department-kid"]}, value, key, algorithms=["EdDSA"]
    ).split(".")
    assert f"{header}..{sig}" == page[f"{name}-signature"]
    _check_with_two_libraries(
        value, page[f"{name}-signature"], page["department-public-key"], page["department-kid"]
    )
    kind = {"receipt": "receipt.v1", "finding": "finding.reported.v1"}[name]
    _validator(kind).validate(json.loads(value))


def test_receipt_answers_the_package(page: dict[str, str]) -> None:
    """The printed receipt names the printed package by id, push and digest."""
    package, receipt = json.loads(page["package-value"]), json.loads(page["receipt-value"])
    assert receipt["data"]["event_id"] == package["id"]
    assert receipt["data"]["push_id"] == package["data"]["push"]["id"]
    assert receipt["data"]["package_sha256"] == page["package-sha256"]


def test_a_licences_change_and_its_receipt(page: dict[str, str]) -> None:
    """The printed change is valid, its receipt too; the receipt names the change by id and digest, and no push."""
    value = page["licence-changed-value"].encode()
    change, receipt = json.loads(value), json.loads(page["licence-receipt-value"])
    _validator("licence.changed.v1").validate(change)
    _validator("receipt.v1").validate(receipt)
    assert receipt["data"]["event_id"] == change["id"]
    assert receipt["data"]["package_sha256"] == hashlib.sha256(value).hexdigest()
    assert "push_id" not in receipt["data"]


def test_causes_are_all_listed() -> None:
    """Every cause of quarantine stands in the page with its name."""
    text = PAGE.read_text()
    for code, name in code_table("quarantine_cause").items():
        assert f"| `{code}` | {name} |" in text


def test_connector_settings_are_accepted(page: dict[str, str], tmp_path: Path) -> None:
    """The printed connector.toml passes the connector's own judgement, with and without its commented lines."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "private-key.pem").write_text(page["department-private-key"])
    file = tmp_path / "connector.toml"
    file.write_text(page["connector.toml"])
    assert validate_config(file) == []
    secured = page["connector.toml"].replace("# s", "s").replace("# ssl", "ssl")
    assert tomllib.loads(secured)["broker"]["security_protocol"] == "SASL_SSL"
    file.write_text(secured)
    assert validate_config(file) == []


def test_an_outsider_joins_with_this_page_alone(
    page: dict[str, str], hub: HubShell, engine: Engine, tmp_path: Path
) -> None:
    """With the printed program and none of our code a department joins, receives, fetches, receipts and freezes, and
    signs for what became of the licence."""
    outsider = tmp_path / "outsider"
    outsider.mkdir()
    (outsider / "outsider.py").write_text(page["outsider.py"])
    (outsider / "private-key.pem").write_text(page["department-private-key"])
    (outsider / "public-key.pem").write_text(page["department-public-key"])
    hub.ask("migrate")
    added = hub.ask(
        "department", "add", "zrzy", "示范县自然资源局", "--role", "supervising", "--public-key",
        outsider / "public-key.pem",
    )  # fmt: skip
    assert added["kid"] == page["department-kid"]
    (outsider / "trust-bundle.json").write_text(json.dumps(hub.ask("trust-bundle")))
    with engine.begin() as tx:
        tx.execute(insert(ServiceItem).values(code="XK-001", name="食品经营许可"))
    content = b"%PDF-1.4 not really\n" * 1000
    material = _decide_with_material(hub, engine, content)
    hub.run("sample", "--rows", 5, "--out", "sheet.csv")
    assert hub.ask("load", "sheet.csv")["accepted"] == 5
    with hub.program("relay"), hub.program("intake"), hub.program("web"):
        web_is_up(hub)
        _run_outsider(outsider, "received 6")
        until(lambda: _came_back(engine))
        until(lambda: _told(engine) != [])
        said = _run_outsider(outsider, "received 1")
        assert re.search(r"^licence \S+ 暂扣 暂扣$", said, re.MULTILINE), said
        until(lambda: all(_told(engine)))
    assert (outsider / f"{material}.bin").read_bytes() == content
    with engine.connect() as tx:
        assert set(tx.execute(select(Push.state)).scalars()) == {
            "signed",
            "supervising",
        }  # the finding moved its own
        finding = tx.execute(select(Finding.case_no, Finding.effect, Finding.kid)).one()
        assert (finding.effect, finding.kid) == ("freeze", page["department-kid"])
        standing = select(Licence.status).where(Licence.case_no == finding.case_no)
        assert tx.execute(standing).scalar_one() == "02"
        assert (
            tx.execute(select(Case.standing).where(Case.case_no == finding.case_no)).scalar_one() == "alert"
        )


def _decide_with_material(hub: HubShell, engine: Engine, content: bytes) -> str:
    """A case decided in the live lane, with one file in the object store."""
    from shenguan import wiring
    from shenguan.settings import Settings

    given = {
        name.removeprefix("SHENGUAN_").lower(): value
        for name, value in hub.env.items()
        if name.startswith("SHENGUAN_")
    }
    settings = Settings(**given)
    desk = wiring.desk_of(settings)
    stored = wiring.files_of(settings).put(io.BytesIO(content), media_type="application/pdf")
    facts = StoredFacts(stored.sha256, stored.object_name, stored.size, stored.wrapped_key)
    case = a_case(area=settings.area)
    assert case.decision.decided_on < datetime.now(UTC).date()
    with engine.begin() as tx:
        open_case(tx, case, desk, actor="user:test")
        material = add_material(
            tx, case_no=case.case_no, name="平面图.pdf", media_type="application/pdf", stored=facts, actor="user:test"
        )  # fmt: skip
    with engine.begin() as tx:
        (outcome,) = decide(tx, [case], desk, actor="user:test")
    assert outcome.verdict == "accepted"
    return str(material)


def _told(engine: Engine) -> list[bool]:
    with engine.connect() as tx:
        rows = tx.execute(select(Announcement.signed_at)).scalars()
        return [signed is not None for signed in rows]


def _run_outsider(folder: Path, last: str) -> str:
    """In a process of its own; it imports only what the page says. Gives what it said; `last` is its last line."""
    imported = re.findall(r"^(?:import|from) (\w+)", (folder / "outsider.py").read_text(), re.MULTILINE)
    assert {name for name in imported if name not in sys.stdlib_module_names} == {"joserfc", "kafka"}
    done = subprocess.run(
        [sys.executable, "outsider.py", "trust-bundle.json", "private-key.pem", "zrzy"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == last, done.stdout
    return done.stdout


def _came_back(engine: Engine) -> bool:
    with engine.connect() as tx:
        states = set(tx.execute(select(Push.state)).scalars())
        return states == {"signed", "supervising"} and tx.execute(select(Finding.id)).first() is not None
