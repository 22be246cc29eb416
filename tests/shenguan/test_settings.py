"""Programs start with sound settings or say which one is not."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from hub.errors import Rejected
from shenguan.settings import Settings, SettingsRefused, load
from shenguan.settings_checks import CHECKS
from storage.licences.credentials import Credentials


def random_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("SHENGUAN_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """A sound production environment."""
    (tmp_path / "hub.pem").write_text("PEM")
    values = {
        "DATABASE_URL": "postgresql+psycopg://hub:a-long-password@db:5432/hub",
        "KAFKA_BOOTSTRAP": "kafka-1:9092,kafka-2:9092",
        "S3_ENDPOINT": "https://store:9000",
        "S3_ACCESS_KEY": "hub-access",
        "S3_SECRET_KEY": "x7Kd93kfLs02mfJq",
        "PUBLIC_URL": "https://hub.example",
        "WEB_SECRET": base64.b64encode(os.urandom(32)).decode(),
        "KEY_ENCRYPTION_KEY": random_key(),
        "IDENTITY_KEY": random_key(),
        "HUB_SIGNING_KEY": str(tmp_path / "hub.pem"),
    }
    for name, value in values.items():
        monkeypatch.setenv(f"SHENGUAN_{name}", value)
    return values


def refusal(*needs: str) -> str:
    with pytest.raises(SettingsRefused) as refused:
        load(needs or None)
    return str(refused.value)


def test_sound_settings_load(production: dict[str, str]):
    """A complete environment gives settings in production mode, and their repr shows no secret."""
    settings = load()
    assert not settings.embedded
    assert settings.hub_signing_pem() == b"PEM"
    assert len(settings.key_encryption_key_bytes) == 32
    shown = repr(settings)
    for name in ("DATABASE_URL", "S3_SECRET_KEY", "WEB_SECRET", "KEY_ENCRYPTION_KEY", "IDENTITY_KEY"):
        assert production[name] not in shown


def test_every_missing_setting_is_named_at_once():
    """An empty environment is refused with the name of each setting that is needed."""
    text = refusal()
    for name in CHECKS:
        assert f"SHENGUAN_{name.upper()}" in text


def test_a_program_is_held_to_what_it_needs(monkeypatch: pytest.MonkeyPatch):
    """A migration needs the database alone."""
    monkeypatch.setenv("SHENGUAN_DATABASE_URL", "postgresql+psycopg://hub:a-long-password@db/hub")
    assert load(["database_url"]).database_url.endswith("@db/hub")
    assert "SHENGUAN_WEB_SECRET" in refusal("web_secret")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("S3_SECRET_KEY", "minioadmin", "默认值"),
        ("S3_SECRET_KEY", "short", "太短"),
        ("WEB_SECRET", "a" * 40, "太简单"),
        ("WEB_SECRET", "changeme", "默认值"),
        ("DATABASE_URL", "postgresql+psycopg://hub:postgres@db/hub", "口令是默认值"),
        ("DATABASE_URL", "postgresql+psycopg://hub@db/hub", "没有口令"),
        ("DATABASE_URL", "sqlite:///x", "不是 PostgreSQL"),
        ("KEY_ENCRYPTION_KEY", "not base64!", "不是 base64"),
        ("KEY_ENCRYPTION_KEY", base64.b64encode(b"short").decode(), "5 个字节"),
        ("IDENTITY_KEY", base64.b64encode(bytes(32)).decode(), "不是随机"),
        ("AREA", "abc", "SHENGUAN_AREA 的值有误"),
        ("WEB_PORT", "many", "SHENGUAN_WEB_PORT 的值有误：应为整数"),
        ("WEB_PORT", "70000", "不能大于 65535"),
        ("MODE", "test", "SHENGUAN_MODE 的值有误：应为 'embedded'、'production' 之一"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL", "SHENGUAN_KAFKA_SASL_PASSWORD"),
    ],
)
def test_unsound_setting_is_refused(
    production: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
):
    """Each unsound value is refused with the setting's name and what is wrong, and never shown."""
    monkeypatch.setenv(f"SHENGUAN_{name}", value)
    text = refusal()
    assert words in text
    assert f"SHENGUAN_{name}" in text or name == "KAFKA_SECURITY_PROTOCOL"
    if "KEY" in name or "SECRET" in name:
        assert value not in text


def test_a_secret_may_come_from_a_file(
    production: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """SHENGUAN_<NAME>_FILE is read; the variable itself wins; a file that is not there is named."""
    secret = tmp_path / "secret"
    secret.write_text("from-a-file-0123456789-abcdefghijk\n")
    monkeypatch.setenv("SHENGUAN_WEB_SECRET_FILE", str(secret))
    assert load().web_secret == production["WEB_SECRET"]
    monkeypatch.delenv("SHENGUAN_WEB_SECRET")
    assert load().web_secret == "from-a-file-0123456789-abcdefghijk"
    monkeypatch.setenv("SHENGUAN_WEB_SECRET_FILE", "/nonexistent")
    assert "SHENGUAN_WEB_SECRET_FILE" in refusal()


def test_embedded_directory_that_does_not_run(tmp_path: Path):
    """In the embedded mode the secrets are there; without a running supervisor one sentence says what to do."""
    (tmp_path / ".shenguan" / "secrets").mkdir(parents=True)
    assert refusal() == "内置部件没有在运行：请先执行 make run（或 shenguan up）。"
    settings = load(["web_secret", "key_encryption_key", "identity_key", "hub_signing_key"])
    assert settings.embedded
    assert b"PRIVATE KEY" in settings.hub_signing_pem()
    assert load([]).web_secret == settings.web_secret


def test_defaults_hold_no_secret():
    """No field that is a secret has a value of its own."""
    for name, field in Settings.model_fields.items():
        if not field.repr:
            assert not field.default, name


def test_what_may_be_left_out_may_not_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scanner's address, the folder of trusted signers and earlier keys, each with its sentence."""
    monkeypatch.setenv("SHENGUAN_CLAMD", "somewhere")
    monkeypatch.setenv("SHENGUAN_TRUSTED_SIGNERS", "/nowhere/at/all")
    monkeypatch.setenv("SHENGUAN_KEY_ENCRYPTION_OLDER", "nonsense")
    with pytest.raises(SettingsRefused) as refused:
        load(("clamd", "trusted_signers", "key_encryption_older"))
    assert "SHENGUAN_CLAMD 应为" in str(refused.value)
    assert "SHENGUAN_KEY_ENCRYPTION_OLDER 应为" in str(refused.value)
    assert "SHENGUAN_TRUSTED_SIGNERS 指向的" in str(refused.value)


def test_signing_of_licences_may_be_left_out_but_not_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a folder everything starts, and issuing is refused in a sentence; a wrong one is refused at the start."""
    monkeypatch.setenv("SHENGUAN_DATA", str(tmp_path))
    monkeypatch.setenv("SHENGUAN_MODE", "production")
    settings = load(("licence_signing", "timestamp_url"))
    assert settings.licence_signing_folder == tmp_path / "licence-signing"
    with pytest.raises(Rejected, match="不能签发"):
        Credentials(settings.licence_signing_folder).for_issuer("11370100MB00000194")
    monkeypatch.setenv("SHENGUAN_LICENCE_SIGNING", "/nowhere/at/all")
    monkeypatch.setenv("SHENGUAN_TIMESTAMP_URL", "tsa.invalid")
    with pytest.raises(SettingsRefused) as refused:
        load(("licence_signing", "timestamp_url"))
    assert "SHENGUAN_LICENCE_SIGNING 指向的" in str(refused.value)
    assert "SHENGUAN_TIMESTAMP_URL 应为" in str(refused.value)


def test_an_embedded_installation_can_sign(tmp_path: Path) -> None:
    """Demo credentials are made at the first start and stay."""
    (tmp_path / ".shenguan" / "secrets").mkdir(parents=True)
    folder = load([]).licence_signing_folder
    assert Credentials(folder).for_issuer("11370100MB00000194").facts()["signer"] == "电子证照专用章（演示）"
    before = (folder / "default.pem").read_bytes()
    load([])
    assert (folder / "default.pem").read_bytes() == before
