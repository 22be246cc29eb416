"""Fetches the materials of packages from the hub: by id, with our own key, for the use that the settings state.

Guarantees: a file appears under its name only when its bytes have the SHA-256 that the hub signed; every attempt carries
a token of its own. Runs in a thread of its own with its own view of the state file: files never delay a receipt.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from connectors.department.adapters.folder import safe_name
from connectors.department.config import ConnectorConfig
from connectors.department.state import State
from connectors.department.trust import HUB
from storage.signing import Signer, sign_token

TOKEN_LIFE_S = 60
LONGEST_WAIT_S = 600.0
IDLE_S = 1.0
_log = logging.getLogger(__name__)


class FileFault(Exception):
    """The file could not be had this time; the sentence says why."""


class Files:
    """The thread that fetches."""

    def __init__(self, config: ConnectorConfig, signer: Signer, state_path: Path) -> None:
        self._config = config
        self._signer = signer
        self._state_path = state_path
        self._thread: threading.Thread | None = None

    def start(self, stop: threading.Event) -> None:
        """Begin, if the settings want files."""
        if self._config.files.fetch:
            self._thread = threading.Thread(target=self._run, args=(stop,), name="files", daemon=True)
            self._thread.start()

    def join(self) -> None:
        """Wait for the file in hand."""
        if self._thread is not None:
            self._thread.join(10)

    def _run(self, stop: threading.Event) -> None:
        state = State(self._state_path)
        try:
            with httpx.Client(timeout=30, follow_redirects=False) as client:
                while not stop.is_set():
                    if not self._one(client, state):
                        stop.wait(IDLE_S)
        finally:
            state.close()

    def _one(self, client: httpx.Client, state: State) -> bool:
        """Try the next file that is due; False where there is nothing to do just now."""
        try:
            wanted = state.wanted_file(time.time())
            if wanted is not None:
                self._fetch_noted(client, state, wanted)
        except sqlite3.Error as error:  # the disk is full, or somebody holds the file: it stays wanted
            _log.warning("材料暂停收取：状态文件暂时不能读写（%s）", error)
            return False
        return wanted is not None

    def _fetch_noted(self, client: httpx.Client, state: State, wanted: Mapping[str, Any]) -> None:
        try:
            stored = self.fetch(client, wanted)
        except (FileFault, httpx.HTTPError, OSError) as error:
            wait = min(2.0 ** min(wanted["attempts"] + 1, 10), LONGEST_WAIT_S)
            words = str(error) or type(error).__name__
            state.file_failed(wanted["material_id"], words, time.time() + wait)
            _log.warning("材料 %s 暂未取到：%s", wanted["material_id"], words)
        else:
            state.file_stored(wanted["material_id"], str(stored))

    def fetch(self, client: httpx.Client, wanted: Mapping[str, Any]) -> Path:
        """One file, verified, under its final name."""
        folder = self._config.files.folder / safe_name(wanted["case_no"])
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{wanted['material_id']}__{safe_name(wanted['name'])}"
        fresh = target.with_name(f".{wanted['material_id']}.tmp")
        try:
            if self._download(client, wanted, fresh) != wanted["sha256"]:
                raise FileFault("文件内容的 SHA-256 与推送包中写明的不一致，已丢弃")
            os.replace(fresh, target)
        finally:
            fresh.unlink(missing_ok=True)
        return target

    def _download(self, client: httpx.Client, wanted: Mapping[str, Any], fresh: Path) -> str:
        """The bytes into `fresh`, durable; gives their SHA-256."""
        digest, size = hashlib.sha256(), 0
        headers = {"Authorization": f"Bearer {self._token(wanted['material_id'])}"}
        with client.stream("GET", self._address(wanted), headers=headers) as answer:
            if answer.status_code != 200:
                raise FileFault(_said(answer))
            with fresh.open("wb") as file:
                for chunk in answer.iter_bytes(1 << 20):
                    size += len(chunk)
                    if size > wanted["size"]:
                        raise FileFault(f"文件比推送包中写明的 {wanted['size']} 字节大，已放弃")
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        return digest.hexdigest()

    def _address(self, wanted: Mapping[str, Any]) -> str:
        if self._config.public_url:
            return f"{self._config.public_url.rstrip('/')}/api/hub/materials/{wanted['material_id']}"
        return str(wanted["href"])

    def _token(self, material_id: str) -> str:
        now = int(time.time())
        claims = {
            "aud": f"/{self._config.area}/{HUB}",
            "sub": material_id,
            "use": self._config.files.stated_use,
            "iat": now,
            "exp": now + TOKEN_LIFE_S,
            "jti": str(uuid.uuid4()),
        }
        return sign_token(self._signer, claims)


def _said(answer: httpx.Response) -> str:
    answer.read()
    try:
        words = answer.json().get("message")
    except (ValueError, AttributeError):
        words = None
    return f"平台答复 {answer.status_code}：{words or '没有说明'}"
