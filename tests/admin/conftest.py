"""The real admin on the real database; a browser where the claim is about what a person sees."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine
from werkzeug.serving import make_server

from admin import AdminConfig, create_app
from admin.accounts import RIGHTS, ensure_user, prepare
from hub.ports import Desk
from shenguan.demo import ensure_demo_area
from storage.custody import KeyCustody
from storage.department_ca import DepartmentAuthority
from storage.files import FileStore
from storage.identity import IdentityVault
from storage.intake.finish import Intake
from storage.intake.spool import Spool
from storage.kept_secrets import KeptSecrets
from storage.key_encryption import KeyEncryption
from storage.licences.credentials import Credentials
from storage.licences.demo_credentials import make_demo_credentials
from storage.licences.inspect import LicenceInspector
from storage.licences.press import LicencePress
from storage.licences.tokens import LicenceTokens
from storage.objects import ObjectStore
from storage.signing import Signer, generate_private_key
from tests import session_parts
from tests.browser_install import PATIENCE_MS
from tests.conftest import Parts, _make_database

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PASSWORD = "correct horse battery"
AREA = "990101"
SUPERVISOR_OF = "scjg"


@dataclass(frozen=True)
class Hub:
    """One migrated hub with the demo area, its users and the departments' keys."""

    app: Flask
    engine: Engine
    desk: Desk
    signers: dict[str, Signer]
    database_url: str


def desk_for(area: str = AREA) -> Desk:
    return Desk(
        area=area,
        public_url="http://hub.invalid",
        signer=Signer.from_pem("hub", generate_private_key()),
        identities=IdentityVault(os.urandom(32), KeyEncryption(os.urandom(32))),
        clock=lambda: datetime.now(UTC),
        custody=KeyCustody(KeyEncryption(os.urandom(32))),
        secrets=KeptSecrets(KeyEncryption(os.urandom(32))),
        authority=DepartmentAuthority.derived(os.urandom(32), area),
    )


@pytest.fixture(scope="module")
def hub(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    for url in _make_database(parts, template=session_parts.ask("template")["database"]):
        engine = create_engine(url)
        desk = desk_for()
        signers = {code: Signer.from_pem(code, generate_private_key()) for code in ("scjg", "zhzf")}
        with engine.begin() as tx:
            ensure_demo_area(tx, {code: signer.public_pem for code, signer in signers.items()})
        objects = ObjectStore(
            parts.s3_endpoint,
            access_key=parts.s3_access_key,
            secret_key=parts.s3_secret_key,
            bucket=f"admin-{os.getpid()}-{os.urandom(3).hex()}",
        )
        objects.ensure_bucket()
        files = FileStore(objects, KeyEncryption(os.urandom(32)))
        signing = make_demo_credentials(tmp_path_factory.mktemp("licence-signing"))
        app = create_app(
            AdminConfig(
                database_url=url,
                web_secret="only for tests, " * 3,
                desk=desk,
                files=files,
                intake=Intake(Spool(tmp_path_factory.mktemp("spool") / "spool"), files, desk.clock),
                press=LicencePress(files, Credentials(signing), desk.clock),
                tokens=LicenceTokens(os.urandom(32)),
                inspector=LicenceInspector(signing),
                store_check=objects.check,
                hub_keys={desk.signer.kid: desk.signer.public_pem},
                login_limit="10000 per minute",
                demo=True,
            )
        )
        prepare(app)
        for role in (*RIGHTS, "Admin"):
            department = SUPERVISOR_OF if role == "supervisor" else None
            ensure_user(app, role, PASSWORD, role=role, name=role, department=department)
        try:
            yield Hub(app, engine, desk, signers, url)
        finally:
            app.extensions["shenguan"].live.stop()
            app.extensions["shenguan"].engine.dispose()
            engine.dispose()


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, "the page has no form"
    return found[1]


def sign_in(app: Flask, user: str) -> FlaskClient:
    client = app.test_client()
    page = client.get("/login/").get_data(as_text=True)
    answer = client.post(
        "/login/", data={"username": user, "password": PASSWORD, "csrf_token": token_of(page)}
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)[:400]
    assert client.get("/").status_code == 200
    return client


@pytest.fixture(scope="module")
def as_user(hub: Hub) -> Callable[[str], FlaskClient]:
    """A client signed in as a role's user, made once for each."""
    clients: dict[str, FlaskClient] = {}

    def client(user: str) -> FlaskClient:
        if user not in clients:
            clients[user] = sign_in(hub.app, user)
        return clients[user]

    return client


@pytest.fixture(scope="module")
def csrf(as_user: Callable[[str], FlaskClient]) -> Callable[[str], str]:
    """A form token of a user."""

    def token(user: str) -> str:
        page = as_user(user).get("/").get_data(as_text=True)
        found = re.search(r'name="csrf-token" content="([^"]+)"', page)
        assert found
        return found[1]

    return token


def answers_close_themselves(app: WSGIApplication) -> WSGIApplication:
    """The app with answers that are closed however their connection ends.

    werkzeug's server reads what a client still sends before it closes the answer; a browser that left with a reset
    makes that read fail, and the file behind the answer stays open.
    """

    def called(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        answer = app(environ, start_response)

        def body() -> Iterator[bytes]:
            try:
                yield from answer
            finally:
                close = getattr(answer, "close", None)
                if close is not None:
                    close()

        return body()

    return called


@pytest.fixture(scope="module")
def address(hub: Hub) -> Iterator[str]:
    """The app served over HTTP on the loopback address."""
    server = make_server("127.0.0.1", 0, answers_close_themselves(hub.app), threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        hub.app.extensions["shenguan"].live.stop()
        server.shutdown()
        thread.join(60)
        server.server_close()


def chromium_path(playwright: Any) -> str:
    """A Chromium of this machine; no browser is a failure with a sentence, never a skip."""
    for found in (
        os.environ.get("SHENGUAN_CHROMIUM"),
        shutil.which("chromium"),
        shutil.which("chromium-browser"),
    ):
        if found:
            return found
    own = playwright.chromium.executable_path
    assert Path(own).exists(), (
        "没有找到 Chromium：请运行 make test（会自动安装），或 apt-get install chromium。"
    )
    return str(own)


@dataclass
class Watched:
    """A browser page, and what it must not have done."""

    page: Any
    outside: list[str]
    errors: list[str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=chromium_path(playwright), args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


@pytest.fixture
def open_as(browser: Any, address: str) -> Iterator[Callable[..., Watched]]:
    """A browser signed in as a user. Afterwards: nothing was asked of an outside address, and no script failed."""
    contexts: list[Any] = []
    opened: list[Watched] = []

    def start(user: str | None, *, width: int = 1366, height: int = 768) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        watched = Watched(context.new_page(), [], [])
        opened.append(watched)
        page = watched.page
        page.on("request", lambda r: watched.outside.append(r.url) if not _inside(r.url) else None)
        page.on("console", lambda m: watched.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: watched.errors.append(str(e)))
        page.goto(f"{address}/login/")
        if user:
            page.fill("#username", user)
            page.fill("#password", PASSWORD)
            page.click("button[type=submit]")
            page.wait_for_selector(".main", state="attached")
        return watched

    yield start
    for context in contexts:
        context.close()
    for watched in opened:
        assert watched.outside == []
        assert watched.errors == []


def _inside(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))


#: Flask-AppBuilder's own; ours would still fail the test.
FOREIGN_WARNINGS = (
    "ignore:Yielding raw tuples from iter_choices:DeprecationWarning",  # its QuerySelectField; wtforms is pinned
    "ignore:'DateTimeField' renders:DeprecationWarning",  # its user list's filters
    "ignore:The Query.get:sqlalchemy.exc.LegacyAPIWarning",
    "ignore:datetime.datetime.utcnow:DeprecationWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for line in FOREIGN_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(line))
