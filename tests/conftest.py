"""Fixtures on the real embedded parts; see `session_parts` for who starts and stops them."""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from shenguan.embedded.installation import Installation
from tests import session_parts

_session: session_parts.Session | None = None

# The same examples in every run, and no limit of time: a run fails for what was changed, not for the machine or by chance.
# To look for new ones: `--hypothesis-profile=explore`.
_STEADY = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("steady", derandomize=True, database=None, **_STEADY)
settings.register_profile("explore", **_STEADY)
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    global _session
    if not hasattr(config, "workerinput") and _session is None:
        _session = session_parts.Session()


#: Tests against servers of Debian's packages; only a run that names this folder runs them.
ADAPTERS = Path(__file__).parent / "adapters"


def _asks_for_packages(config: pytest.Config) -> bool:
    named = (Path(str(arg).partition("::")[0]).absolute() for arg in config.args)
    return any(one == ADAPTERS or ADAPTERS in one.parents for one in named)


#: What takes minutes for a handful of tests: first, so that no worker is left alone with it at the end.
_LONG = ("county", "faults", "e2e", "docs", "bench", "compose")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        return _LONG.index(folder) if folder in _LONG else len(_LONG)

    items.sort(key=rank)


#: Threads that were named already: the file that left them fails, not every one after it.
_left: set[threading.Thread] = set()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """No file of tests leaves a Kafka client running: it would go on trying in its thread, and stir the global random
    numbers under a property test that comes later in the same process, which then fails for nothing of its own."""
    if nextitem is not None and nextitem.path == item.path:
        return  # its fixtures may live on
    left = {one for one in threading.enumerate() if one.name.startswith("kafka-io")} - _left
    _left.update(left)
    if left:
        pytest.fail(f"{item.path.name} left open: {', '.join(one.name for one in left)}", pytrace=False)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if collection_path == ADAPTERS and not _asks_for_packages(config) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """A run over everything names what it left to `make test-adapters`."""
    everything = any(Path(str(arg)).absolute() == ADAPTERS.parent for arg in config.args)
    if everything and not _asks_for_packages(config):
        left = "、".join(sorted(path.stem.removeprefix("test_") for path in ADAPTERS.glob("test_*.py")))
        terminalreporter.write_line(
            f"需要系统软件包、留给 make test-adapters 的测试（tests/adapters）：{left}"
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    global _session
    if _session is not None:
        _session.close()
        _session = None


class Parts:
    """Addresses of this run's servers; a server starts when its address is first read."""

    @cached_property
    def _postgres(self) -> dict[str, str]:
        return session_parts.ask("postgres")

    @cached_property
    def _store(self) -> dict[str, str]:
        return session_parts.ask("object_store")

    @property
    def database_url(self) -> str:
        """The server's administrator, database `postgres`."""
        return self._postgres["admin"]

    @property
    def role_url(self) -> str:
        """The ordinary role that owns the tests' databases and may make new ones."""
        return self._postgres["role"]

    @cached_property
    def kafka_bootstrap(self) -> str:
        """A broker in memory: fast, and empty after its death."""
        return session_parts.ask("broker")["bootstrap"]

    @property
    def s3_endpoint(self) -> str:
        return self._store["endpoint"]

    @property
    def s3_access_key(self) -> str:
        return self._store["access_key"]

    @property
    def s3_secret_key(self) -> str:
        return self._store["secret_key"]


@pytest.fixture(scope="session")
def parts() -> Parts:
    return Parts()


def _make_database(parts: Parts, *, template: str) -> Iterator[str]:
    role = make_url(parts.role_url)
    name = f"t_{secrets.token_hex(8)}"
    plain = role.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        for left in reversed(range(10)):
            try:
                connection.execute(f"create database {name} template {template}")
                break
            except (
                psycopg.errors.ObjectInUse
            ):  # autovacuum is in the template: the server waits five seconds for it
                if not left:
                    raise
    try:
        yield role.set(database=name).render_as_string(hide_password=False)
    finally:
        # The administrator drops it: an ordinary role may not send an autovacuum worker away, which may be inside.
        admin = make_url(parts.database_url).set(drivername="postgresql")
        with psycopg.connect(admin.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def empty_database_url(parts: Parts) -> Iterator[str]:
    """A fresh database without any table of ours."""
    yield from _make_database(parts, template="template1")


@pytest.fixture
def database_url(parts: Parts) -> Iterator[str]:
    """A fresh, migrated database."""
    yield from _make_database(parts, template=session_parts.ask("template")["database"])


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def area() -> str:
    """An area code of this test alone, so that topics never collide."""
    return f"99{random.randrange(10_000):04d}{secrets.randbelow(10**6):06d}"


@pytest.fixture
def bucket() -> str:
    """A bucket name of this test alone; the bucket itself is not made."""
    return f"t-{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """All three parts of a module's own, the broker on the object store, as `make run` starts them.

    For tests that kill parts: `os.kill(installation.broker.pid, 9)`, then `.kill()` and `.start()` again.
    """
    own = Installation(tmp_path_factory.mktemp("installation") / "data")
    own.start(lambda part, state: None)
    yield own
    for part in reversed(own.parts):
        part.kill()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with a short path, for Unix sockets and servers that cannot stand long ones."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="sg-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
