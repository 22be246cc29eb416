"""The settings of every program, from SHENGUAN_* variables; in the embedded mode filled from the data directory.

Guarantees: outside the embedded mode a program does not start with a missing, short or well-known secret, and the
refusal names every setting that is wrong at once. Every setting can also be given as a file: SHENGUAN_<NAME>_FILE.
Secrets do not show in `repr`. Only the composition roots call `load`; everything else is handed what it needs.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from hub.errors import Unavailable
from shenguan import run_state, settings_checks
from shenguan.embedded import broker
from shenguan.secrets_folder import SecretsFolder

PREFIX = "SHENGUAN_"
# What run.json says about itself; the database is put together with its password.
ADDRESSES = ("kafka_bootstrap", "s3_endpoint", "public_url", "web_port")


LICENCE_SIGNING = "licence-signing"


class SettingsRefused(RuntimeError):
    """设置有误，程序没有启动。"""


class Settings(BaseSettings):
    """Everything a program may be told. See docs for what each program needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    mode: Literal["embedded", "production"] = "production"
    data: Path = Path(".shenguan")
    area: str = Field(default="990101", pattern=r"^[0-9]{6}([0-9]{6})?$")
    area_name: str = "示范县"

    database_url: str = Field(default="", repr=False)
    kafka_bootstrap: str = ""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: str | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: str | None = Field(default=None, repr=False)
    kafka_ssl_cafile: str | None = None
    kafka_ssl_certfile: str | None = None
    kafka_ssl_keyfile: str | None = None
    kafka_fetch_max_wait_ms: int | None = None  # None: the client's own default

    s3_endpoint: str = ""
    s3_access_key: str = Field(default="", repr=False)
    s3_secret_key: str = Field(default="", repr=False)
    s3_bucket: str = "shenguan"

    public_url: str = ""
    web_host: str = "127.0.0.1"
    web_port: int = Field(default=8080, ge=1, le=65535)
    web_secret: str = Field(default="", repr=False)
    cookie_secure: bool = True
    trusted_proxies: int = Field(
        default=0, ge=0, le=5
    )  # between the browser and us, each naming whom it asks for

    spool: Path | None = None  # None: `spool` in the data directory
    max_upload_bytes: int = Field(default=2 << 30, ge=1 << 20, le=1 << 40)
    unused_evidence_files: int = Field(default=500, ge=1)  # of one department, that no fact of its names
    unused_evidence_bytes: int = Field(default=1 << 30, ge=64 << 20)
    unused_evidence_days: int = Field(default=30, ge=1, le=3650)
    trusted_signers: Path | None = (
        None  # a folder of PEM certificates; None: `trusted-signers` in the data directory
    )
    clamd: str = ""  # /path/of/socket or host:port; empty: nothing is scanned

    licence_signing: Path | None = (
        None  # keys and certificates; None: `licence-signing` in the data directory
    )
    timestamp_url: str = ""  # an RFC 3161 authority; empty: licences carry no timestamp

    connector_folder: Path | None = None  # None: `connectors` in the data directory
    connector_loopback: bool = False  # connectors on the host may reach this machine itself
    connector_private: bool = True  # ... and addresses of the government network
    connector_workers: int = Field(default=8, ge=2, le=64)  # threads of one host

    key_encryption_key: str = Field(default="", repr=False)
    key_encryption_older: str = Field(
        default="", repr=False
    )  # earlier keys, by commas; see `shenguan rewrap`
    identity_key: str = Field(default="", repr=False)
    hub_signing_key: Path | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _FileVariables(settings_cls)

    @property
    def embedded(self) -> bool:
        return self.mode == "embedded"

    @property
    def spool_folder(self) -> Path:
        return (self.spool or self.data / "spool").absolute()

    @property
    def trusted_signers_folder(self) -> Path:
        return (self.trusted_signers or self.data / "trusted-signers").absolute()

    @property
    def licence_signing_folder(self) -> Path:
        return (self.licence_signing or self.data / LICENCE_SIGNING).absolute()

    @property
    def connector_folder_here(self) -> Path:
        return (self.connector_folder or self.data / "connectors").absolute()

    @property
    def key_encryption_key_bytes(self) -> bytes:
        return base64.b64decode(self.key_encryption_key)

    @property
    def key_encryption_older_bytes(self) -> list[bytes]:
        return [base64.b64decode(one) for one in self.key_encryption_older.split(",") if one.strip()]

    @property
    def identity_key_bytes(self) -> bytes:
        return base64.b64decode(self.identity_key)

    def hub_signing_pem(self) -> bytes:
        """The hub's private key. Raises SettingsRefused."""
        if self.hub_signing_key is None:
            raise SettingsRefused("没有设置 SHENGUAN_HUB_SIGNING_KEY（中心签名私钥的 PEM 文件路径）。")
        try:
            return self.hub_signing_key.read_bytes()
        except OSError as error:
            raise SettingsRefused(
                f"读不到 SHENGUAN_HUB_SIGNING_KEY 指向的文件 {self.hub_signing_key}：{error.strerror}。"
            ) from error


class _FileVariables(PydanticBaseSettingsSource):
    """SHENGUAN_<NAME>_FILE: the value is in a file, as container engines hand secrets over."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        del field
        key = f"{PREFIX}{field_name.upper()}_FILE"
        path = os.environ.get(key)
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsRefused(f"读不到 {key} 指向的文件 {path}：{error}。") from error

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(f, name)[0] for name, f in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def load(needs: Iterable[str] | None = None, *, data: Path | None = None) -> Settings:
    """The settings; `needs` names those that must be there and sound (default: all that can be wrong).

    Embedded when SHENGUAN_MODE says so, or when it says nothing, no database is set and the data directory is that
    of an embedded installation. Raises SettingsRefused with one line per setting that is wrong.
    """
    handed: dict[str, Any] = {} if data is None else {"data": data}
    told = _build(handed)
    handed["data"] = told.data.absolute()
    given = told.model_fields_set
    if not given & {"mode", "database_url"} and (handed["data"] / "secrets").is_dir():
        handed["mode"] = "embedded"
    if handed.get("mode", told.mode) == "embedded":
        found = embedded_values(handed["data"])
        handed |= {name: value for name, value in found.items() if name not in given}
    settings = _build(handed)
    if problems := settings_checks.problems(settings, needs):
        if settings.embedded and not run_state.read(settings.data).running:
            raise SettingsRefused("内置部件没有在运行：请先执行 make run（或 shenguan up）。")
        problems.append("每一项都可以用环境变量给出，或用同名加 _FILE 的变量指向一个文件。")
        raise SettingsRefused("\n".join(problems))
    return settings


def _build(handed: dict[str, Any]) -> Settings:
    try:
        return Settings(**handed)
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_url=False, include_input=False):
            name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
            lines.append(settings_checks.wrong_value(name, problem["type"], problem.get("ctx", {})))
        raise SettingsRefused("\n".join(lines)) from None


def _demo_licence_signing(folder: Path) -> None:
    """A certificate to sign licences with, which nobody outside trusts; what is there stays."""
    if not (folder / "ca.pem").exists():
        from storage.licences.demo_credentials import make_demo_credentials
        from storage.licences.sm2 import make_demo_sm2

        make_demo_credentials(folder)
        with suppress(Unavailable):  # the extra [gm] is not installed
            make_demo_sm2(folder)


def embedded_values(data: Path) -> dict[str, Any]:
    """What the embedded installation in this directory says about itself; addresses only while it runs."""
    kept = SecretsFolder(data)
    _demo_licence_signing(data / LICENCE_SIGNING)
    values: dict[str, Any] = {
        "s3_access_key": kept.text("s3_access_key"),
        "s3_secret_key": kept.text("s3_secret_key"),
        "key_encryption_key": kept.key("key_encryption_key"),
        "identity_key": kept.key("identity_key"),
        "web_secret": kept.text("web_secret"),
        "hub_signing_key": kept.private_key("hub_signing_key"),
        "cookie_secure": False,
        "connector_loopback": True,
        "kafka_fetch_max_wait_ms": broker.FETCH_MAX_WAIT_MS,
    }
    state = run_state.read(data)
    if state.running:
        values |= {name: state.addresses[name] for name in ADDRESSES if name in state.addresses}
        if state.area:
            values["area"] = state.area
        if "database" in state.addresses:
            server, _, path = state.addresses["database"].partition("://")[2].partition("@")[2].partition("/")
            password = kept.text("database_password")
            values["database_url"] = f"postgresql+psycopg://shenguan:{password}@{server}/{path}"
    return values
