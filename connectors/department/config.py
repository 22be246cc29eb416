"""The connector's settings file (TOML), read and judged in sentences.

Guarantees: `validate_config` names everything that is wrong at once; `read_config` gives settings only when nothing is.
Relative paths are relative to the file. Does not connect to anything.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connectors.bus import BusSettings
from connectors.department.document_config import as_settings, is_document
from connectors.errors import Misconfigured
from schemas.connector.document import ConnectorDocument
from storage.keys import UnusableKey
from storage.signing import Signer

CODE = re.compile(r"[a-z][a-z0-9-]{1,30}")
_SECTIONS = {
    "department": {"code", "name", "area", "key_file", "state_dir"},
    "hub": {"trust_bundle", "public_url"},
    "broker": None,
    "rest": {"poll_ms"},
    "adapter": {"kind", "database", "folder", "poll_ms", "evidence"},
    "files": {"fetch_files", "stated_use", "folder"},
}
_ORIGIN = re.compile(r"https?://[^/?#]+")
_TIMING = ("fetch_max_wait_ms", "connect_timeout_ms", "request_timeout_ms")


@dataclass(frozen=True)
class FileSettings:
    """Whether materials are fetched, for what use, and where they are put."""

    fetch: bool = False
    stated_use: str = ""
    folder: Path = Path("files")


@dataclass(frozen=True)
class ConnectorConfig:
    """Everything a connector needs to know."""

    code: str
    area: str
    key_file: Path
    state_dir: Path
    trust_bundle: str
    bus: BusSettings | None  # None: over the hub's REST door
    adapter: str  # 'table', 'folder', or 'mapped': as the document says
    name: str = ""
    database: str = ""
    folder: Path = Path("exchange")
    poll_ms: int = 500
    public_url: str | None = None
    files: FileSettings = field(default_factory=FileSettings)
    evidence: Path = Path("evidence")  # where files are that a table row names
    rest_poll_ms: int = 1_000
    document: ConnectorDocument | None = None
    base: Path = Path()  # the folder of the settings file

    @property
    def hub_address(self) -> str | None:
        """Where the hub's door is: as set, or where its trust bundle comes from."""
        if self.public_url:
            return self.public_url.rstrip("/")
        found = _ORIGIN.match(self.trust_bundle)
        return found[0] if found else None

    @property
    def topic_in(self) -> str:
        """What the hub sends to us."""
        return f"{self.area}.{self.code}.in"

    @property
    def topic_out(self) -> str:
        """What we send to the hub."""
        return f"{self.area}.{self.code}.out"

    @property
    def source(self) -> str:
        """How we are named in events."""
        return f"/{self.area}/{self.code}"

    def signer(self) -> Signer:
        """Our own key."""
        return Signer.from_pem(self.code, self.key_file.read_bytes())


def read_config(path: Path | str) -> ConnectorConfig:
    """The settings in `path`, or `Misconfigured` with every fault."""
    config, faults = _read(Path(path))
    if config is None or faults:
        raise Misconfigured("连接器设置有误：" + "；".join(faults))
    return config


def validate_config(path: Path | str) -> list[str]:
    """What is wrong with the settings in `path`, one sentence each; empty when nothing is."""
    return _read(Path(path))[1]


def _read(path: Path) -> tuple[ConnectorConfig | None, list[str]]:
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        return None, [f"设置文件 {path} 读不出来：{error.strerror}"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return None, [f"设置文件 {path} 不是有效的 TOML（UTF-8）：{error}"]
    flows: ConnectorDocument | None = None
    if is_document(document):
        try:
            document, flows = as_settings(document)
        except Misconfigured as error:
            return None, [error.message]
    base = path.resolve().parent
    reader = _Reader(document, base)
    try:
        config = replace(reader.config(), document=flows, base=base)
    except Misconfigured as error:
        return None, [*reader.faults, error.message]
    return (None if reader.faults else config), reader.faults


class _Reader:
    """Takes values out of the document, noting what is missing or wrong."""

    def __init__(self, document: Mapping[str, Any], base: Path) -> None:
        self._document = document
        self._base = base
        self.faults: list[str] = []
        for section, value in document.items():
            if section not in _SECTIONS:
                self.faults.append(f"不认识的小节 [{section}]，可用：{'、'.join(_SECTIONS)}")
            elif not isinstance(value, dict):
                self.faults.append(f"{section} 应为一个小节 [{section}]")
            elif (known := _SECTIONS[section]) is not None and (unknown := sorted(set(value) - known)):
                self.faults.append(f"[{section}] 中不认识的设置 {'、'.join(unknown)}")

    def config(self) -> ConnectorConfig:
        code = self._text("department", "code")
        if code and not CODE.fullmatch(code):
            self.faults.append("[department] code 应以小写字母开头，只含小写字母、数字、连字符，2 到 31 位")
        key_file = self._path("department", "key_file")
        self._check_key(key_file, code)
        kind = self._text("adapter", "kind")
        database, folder = "", Path("exchange")
        if kind == "table":
            database = self._database()
        elif kind == "folder":
            folder = self._path("adapter", "folder")
        elif kind and kind != "mapped":
            self.faults.append("[adapter] kind 应为 table（数据表）或 folder（文件夹）")
        return ConnectorConfig(
            code=code,
            area=self._text("department", "area"),
            key_file=key_file,
            state_dir=self._path("department", "state_dir", "state"),
            trust_bundle=self._trust_bundle(),
            bus=None if self._over_rest() else self._bus(),
            adapter=kind,
            name=self._text("department", "name", ""),
            database=database,
            folder=folder,
            poll_ms=self._number("adapter", "poll_ms", 500, low=200, high=60_000),
            public_url=self._text("hub", "public_url", "") or None,
            files=self._files(),
            evidence=self._path("adapter", "evidence", "evidence"),
            rest_poll_ms=self._number("rest", "poll_ms", 1_000, low=200, high=60_000),
        )

    def _section(self, name: str) -> Mapping[str, Any]:
        found = self._document.get(name, {})
        return found if isinstance(found, dict) else {}

    def _text(self, section: str, name: str, default: str | None = None) -> str:
        value = self._section(section).get(name, default)
        if value is None or (isinstance(value, str) and not value.strip() and default is None):
            self.faults.append(f"缺少 [{section}] {name}")
            return ""
        if not isinstance(value, str):
            self.faults.append(f"[{section}] {name} 应为文字（加引号）")
            return ""
        return value.strip()

    def _number(self, section: str, name: str, default: int, *, low: int, high: int) -> int:
        value = self._section(section).get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.faults.append(f"[{section}] {name} 应为 {low} 到 {high} 的整数")
            return default
        return value

    def _path(self, section: str, name: str, default: str | None = None) -> Path:
        text = self._text(section, name, default)
        return self._base / Path(text).expanduser() if text else self._base

    def _check_key(self, path: Path, code: str) -> None:
        if path == self._base:
            return
        try:
            Signer.from_pem(code or "x", path.read_bytes())
        except OSError as error:
            self.faults.append(f"私钥文件 {path} 读不出来：{error.strerror}")
        except UnusableKey as error:
            self.faults.append(f"私钥文件 {path}：{error}")

    def _trust_bundle(self) -> str:
        text = self._text("hub", "trust_bundle")
        if text.startswith(("http://", "https://")) or not text:
            return text
        return str(self._base / Path(text).expanduser())

    def _database(self) -> str:
        text = self._text("adapter", "database")
        if text.startswith("sqlite:///"):
            return "sqlite:///" + str(self._base / text.removeprefix("sqlite:///"))
        if text and not text.startswith(("postgresql://", "postgres://")):
            self.faults.append("[adapter] database 应为 sqlite:///文件路径 或 postgresql://用户@主机/库名")
        return text

    def _bus(self) -> BusSettings:
        given = dict(self._section("broker"))
        bootstrap = self._text("broker", "bootstrap")
        given.pop("bootstrap", None)
        timing = {name: given.pop(name) for name in _TIMING if name in given}
        for name, value in timing.items():
            if not isinstance(value, int) or value <= 0:
                self.faults.append(f"[broker] {name} 应为正整数（毫秒）")
        return BusSettings(bootstrap, security=given, **timing)

    def _over_rest(self) -> bool:
        """Over the hub's REST door rather than a broker."""
        if "rest" not in self._document:
            return False
        if "broker" in self._document:
            self.faults.append("[broker] 与 [rest] 只能写一个：经消息代理，或经平台的 REST 接口")
        address = self._section("hub").get("public_url") or self._section("hub").get("trust_bundle") or ""
        if not _ORIGIN.match(str(address)):
            self.faults.append("经 [rest] 收发时须在 [hub] public_url 写明平台地址（http:// 或 https://）")
        return True

    def _files(self) -> FileSettings:
        fetch = self._section("files").get("fetch_files", False)
        if not isinstance(fetch, bool):
            self.faults.append("[files] fetch_files 应为 true 或 false")
        stated_use = self._text("files", "stated_use", "")
        if fetch is True and not stated_use:
            self.faults.append("[files] fetch_files = true 时须写明用途 stated_use，平台据此留痕")
        return FileSettings(bool(fetch), stated_use, self._path("files", "folder", "files"))
