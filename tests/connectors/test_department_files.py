"""Fetching materials over real HTTP: the token, the check of the bytes, and what happens when they are not right."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.department.config import ConnectorConfig, FileSettings
from connectors.department.files import Files
from connectors.department.state import State
from storage.signing import Signer, TrustedKey, TrustedKeys, verify_token
from tests.connectors.waiting import until

CONTENT = "示例材料".encode() * 100_000
MATERIAL = "0195d0c2-5555-7000-8000-00000000000a"


class Hub(ThreadingHTTPServer):
    """Answers like the hub's file address, and remembers what it was asked."""

    content = CONTENT
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokens: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.tokens.append(self.headers["Authorization"].removeprefix("Bearer "))
        body = (
            self.server.content if self.server.status == 200 else '{"message": "没有推送给本部门"}'.encode()
        )
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def config(connector_config: Callable[..., ConnectorConfig], tmp_path: Path) -> ConnectorConfig:
    return connector_config(files=FileSettings(True, "事中事后监管", tmp_path / "files"))


@pytest.fixture
def state(config: ConnectorConfig) -> Iterator[State]:
    opened = State(config.state_dir / "state.sqlite")
    yield opened
    opened.close()


def want(state: State, hub: Hub, name: str = "营业执照.pdf") -> None:
    state.note_received(
        [],
        [
            {
                "material_id": MATERIAL,
                "case_no": "c-1",
                "name": name,
                "media_type": "application/pdf",
                "href": f"http://127.0.0.1:{hub.server_address[1]}/api/hub/materials/{MATERIAL}",
                "sha256": hashlib.sha256(CONTENT).hexdigest(),
                "size": len(CONTENT),
            }
        ],
    )


def fetched(state: State) -> tuple[str | None, str | None, int]:
    row = state._db.execute("SELECT stored_as, problem, attempts FROM files").fetchone()
    return row[0], row[1], row[2]


def run_until(files: Files, done: Callable[[], Any]) -> None:
    stop = threading.Event()
    files.start(stop)
    try:
        until(done)
    finally:
        stop.set()
        files.join()


def test_a_material_is_fetched_with_a_token_of_our_key(
    config: ConnectorConfig, state: State, hub: Hub, signers: dict[str, Signer], area: str
) -> None:
    """Claim: the file arrives whole under case and name; the token is ours, for this material, with the stated use."""
    want(state, hub, "../营业执照.pdf")
    key = signers["scjg"]
    run_until(Files(config, key, config.state_dir / "state.sqlite"), lambda: fetched(state)[0])
    stored = Path(fetched(state)[0] or "")
    assert stored.read_bytes() == CONTENT
    assert stored.parent == config.files.folder / "c-1"
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]
    keys = TrustedKeys.of([TrustedKey(key.kid, "scjg", key.public_pem)])
    claims = verify_token(keys, hub.tokens[0], at=datetime.now(UTC), audience=f"/{area}/hub")
    assert (claims["iss"], claims["sub"], claims["use"]) == ("scjg", MATERIAL, "事中事后监管")


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (200, CONTENT[:-1] + b"?", "SHA-256"),
        (200, CONTENT[:-1], "SHA-256"),
        (200, CONTENT + b"!", "字节大"),
        (403, b"", "没有推送给本部门"),
    ],
)
def test_wrong_bytes_and_refusals_leave_no_file(
    config: ConnectorConfig,
    state: State,
    hub: Hub,
    signers: dict[str, Signer],
    status: int,
    content: bytes,
    words: str,
) -> None:
    """Claim: changed, short or long content and a refusal leave nothing under the name, note why, and are tried again
    later."""
    hub.status, hub.content = status, content
    want(state, hub)
    files = Files(config, signers["scjg"], config.state_dir / "state.sqlite")
    run_until(files, lambda: fetched(state)[2] == 1)
    stored_as, problem, _ = fetched(state)
    assert stored_as is None
    assert words in (problem or "")
    assert list((config.files.folder / "c-1").iterdir()) == []
    hub.status, hub.content = 200, CONTENT
    state._db.execute("UPDATE files SET next_try = 0")
    run_until(files, lambda: fetched(state)[0])
    assert len(set(hub.tokens)) == 2


def test_the_hubs_address_can_be_given(
    config: ConnectorConfig, state: State, hub: Hub, signers: dict[str, Signer]
) -> None:
    """Claim: with `public_url` set, files are asked for there, whatever address the package names."""
    want(state, hub)
    state._db.execute("UPDATE files SET href = 'http://127.0.0.1:1/x'")
    there = replace(config, public_url=f"http://127.0.0.1:{hub.server_address[1]}/")
    run_until(Files(there, signers["scjg"], config.state_dir / "state.sqlite"), lambda: fetched(state)[0])


def test_a_state_file_that_cannot_be_written_stops_nobody(
    config: ConnectorConfig,
    state: State,
    hub: Hub,
    signers: dict[str, Signer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Claim: what was fetched while nothing could be noted is fetched again as soon as it can."""
    want(state, hub)
    state._db.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON files BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    stop = threading.Event()
    files = Files(config, signers["scjg"], config.state_dir / "state.sqlite")
    files.start(stop)
    try:
        until(lambda: "disk full" in caplog.text)
        state._db.execute("DROP TRIGGER full")
        until(lambda: fetched(state)[0])
    finally:
        stop.set()
        files.join()
