"""The layers of a check of a database: address, name, TCP, TLS, sign-in, rights on the table, its shape.

Guarantees: reads, and asks for rights with statements that touch no row, inside a transaction that is rolled back.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import types as sql

from connectors.adapters.port import Step
from connectors.adapters.reachable import Target, Watch, reach
from connectors.adapters.sql_errors import DatabaseFault, fault_of
from connectors.adapters.sql_in import Reader
from connectors.adapters.sql_out import Writer
from connectors.adapters.sql_server import CONNECT_SECONDS, Server
from connectors.adapters.sql_session import Session, is_of_database
from connectors.adapters.sql_table import SchemaChanged, Shape, shape_of
from connectors.adapters.tls import days_left, tls_words
from connectors.errors import ConnectorError

SIGN_IN_ADVICE = "请核对用户名、密码和数据库名；仍不行时请对方允许该用户从本机登录。"


def check(
    server: Server, writer: Writer | None, reader: Reader | None, targets: Sequence[str]
) -> Iterator[Step]:
    """Step by step; `targets` are the columns that a mapping fills."""
    if server.dialect == "sqlite":
        connection = yield from _open_file(server)
    else:
        if not (yield from reach(Target(server.host, server.port), server.outside, timeout=CONNECT_SECONDS)):
            return
        connection = yield from _sign_in(server)
    if connection is None:
        return
    try:
        yield from _look(server, connection, writer, reader, targets)
    finally:
        connection.close()


def _open_file(server: Server) -> Generator[Step, None, Connection | None]:
    watch = Watch()
    if not server.path.is_file():
        advice = "请核对路径；文件应由对方的程序建立，连接器不会新建。"
        yield watch.step("address", False, f"没有 {server.path} 这个文件。", advice)
        return None
    yield watch.step("address", True, f"文件 {server.path} 在。")
    session = Session(server)
    try:
        connection = session.connect()
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
    except Exception as error:
        if not is_of_database(error):
            raise
        advice = "请确认它是 SQLite 数据库，并且运行连接器的用户可以读写它和它所在的文件夹。"
        yield watch.step("sign_in", False, "打不开这个文件。", advice, fault_of(error).detail)
        return None
    yield watch.step("sign_in", True, "是 SQLite 数据库，可以打开。")
    return connection


def _sign_in(server: Server) -> Generator[Step, None, Connection | None]:
    watch = Watch()
    try:
        connection = Session(server).connect()
    except ConnectorError as error:
        yield watch.step("tls", False, error.message, "请重新粘贴证书。")
        return None
    except Exception as error:
        if not is_of_database(error):
            raise
        fault = fault_of(error)
        if server.tls and (trouble := _tls_trouble(error)):
            yield watch.step("tls", False, trouble[0] + "。", trouble[1], fault.detail)
            return None
        if server.tls:
            yield watch.step("tls", True, "TLS 握手成功。")
        words = _sentence(fault) if fault.kind == "sign_in" else "登录没有成功。"
        yield watch.step("sign_in", False, words, SIGN_IN_ADVICE, fault.detail)
        return None
    if server.tls:
        yield watch.step("tls", True, _tls_holds(server, connection))
    version = connection.dialect.server_version_info or ()
    shown = ".".join(str(part) for part in version if isinstance(part, int))
    name = "MariaDB" if getattr(connection.dialect, "is_mariadb", False) else connection.dialect.name
    yield watch.step("sign_in", True, f"以 {server.user} 登录成功（{name} {shown}）。")
    return connection


def _tls_trouble(error: BaseException) -> tuple[str, str] | None:
    """Whether it was TLS that failed: Python's own error below the driver's, or libpq's words."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLError):
            return tls_words(below)
        below = getattr(below, "orig", None) or below.__cause__ or below.__context__
    said = str(error)
    if "does not support SSL" in said or "doesn't support it" in said:
        return "对方的数据库没有启用 TLS", "请对方启用；在专网内也可以选择不要求加密。"
    if "does not match host name" in said:
        return tls_words(_verification(62))
    if "certificate verify failed" in said:
        return tls_words(_verification(20))
    return tls_words(ssl.SSLError(said)) if "SSL error" in said else None


def _verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("libpq")
    error.verify_code, error.verify_message = code, "libpq"
    return error


def _tls_holds(server: Server, connection: Connection) -> str:
    wire = getattr(connection.connection.dbapi_connection, "_sock", None)
    if not isinstance(wire, ssl.SSLSocket):
        return "TLS 握手成功，对方的证书有效。"
    left = days_left(wire.getpeercert(), server.outside.clock())
    return f"{wire.version()} 握手成功，对方的证书有效，还有 {left} 天到期。"


def _look(
    server: Server,
    connection: Connection,
    writer: Writer | None,
    reader: Reader | None,
    targets: Sequence[str],
) -> Iterator[Step]:
    table = writer.table if writer else reader.table if reader else ""
    if not table:
        return
    watch = Watch()
    try:
        shape = shape_of(connection, table, server.schema)
    except SchemaChanged as error:
        advice = (
            "请核对表名；演练用的表由平台在第一次演练时建立。"
            if table.endswith("_sandbox")
            else "请核对表名。"
        )
        yield watch.step("shape", False, error.message, advice)
        return
    named = reader.named if reader else (*(writer.keys if writer else ()), *targets)
    try:
        shape.need(named)
    except SchemaChanged as error:
        yield watch.step("shape", False, error.message, "请在映射或设置中改选字段。")
        return
    try:
        with connection.begin_nested() as point:
            for statement in _probes(shape, writer, reader, named):
                connection.exec_driver_sql(statement)
            point.rollback()
    except Exception as error:
        if not is_of_database(error):
            raise
        wanted = "写入和更新" if writer else "读取和写回状态" if reader and reader.status else "读取"
        advice = f"请对方的数据库管理员授予 {server.user or '运行用户'} 对表 {table} 的{wanted}权限。"
        yield watch.step("permission", False, _sentence(fault_of(error)), advice, fault_of(error).detail)
        return
    yield watch.step("permission", True, f"对表 {table} 有所需的权限。")
    yield _shape_step(watch, shape, writer, reader, targets)


def _probes(shape: Shape, writer: Writer | None, reader: Reader | None, named: Sequence[str]) -> list[str]:
    """Statements that need the rights and touch no row."""
    # MySQL wants a value for every column that has to have one even where no row is written.
    wanted = dict.fromkeys([*named, *(name for name, field in shape.fields.items() if not field.optional)])
    names = [name for name in wanted if name in shape.fields] or list(shape.fields)
    listed, table = shape.names(names), shape.quoted
    if writer is not None:
        same = shape.quote(names[0])
        return [
            f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {table} WHERE 1 = 0",  # noqa: S608 - quoted
            f"UPDATE {table} SET {same} = {same} WHERE 1 = 0",  # noqa: S608
        ]
    probes = [f"SELECT {listed} FROM {table} WHERE 1 = 0"]  # noqa: S608
    written = reader.written if reader else ()
    return probes + [
        f"UPDATE {table} SET {shape.quote(name)} = {shape.quote(name)} WHERE 1 = 0"  # noqa: S608
        for name in written
    ]


def _shape_step(
    watch: Watch, shape: Shape, writer: Writer | None, reader: Reader | None, targets: Sequence[str]
) -> Step:
    said, advice = [f"表 {shape.name} 有 {len(shape.fields)} 个字段"], ""
    if writer is not None:
        if why := writer.unsafe(shape):
            return watch.step("shape", False, why, "改好后请再测试一次。")
        missing = [f.name for f in shape.fields.values() if not f.optional and f.name not in targets]
        missing += [name for name in writer.keys if name not in targets and name not in missing]
        if targets and missing:
            words = f"对方的必填字段或键列没有来源：{'、'.join(missing)}。"
            return watch.step("shape", False, words, "请在映射中为它们选择来源。")
        said.append(f"键 {'、'.join(writer.keys)} 唯一" if writer.keys else "用平台的登记表防止重复")
        if not shape.transactional:
            advice = f"该表用的是 {shape.engine} 引擎，中断时对方可能暂时看到半批数据；建议改用 InnoDB。"
    if reader is not None:
        kind: Any = shape.fields[reader.cursor].type
        if reader.by_time and not isinstance(kind, sql.DateTime | sql.Date) and shape.engine:
            return watch.step(
                "shape", False, f"字段 {reader.cursor} 不是时间。", "请改选时间字段，或改按编号读取。"
            )
        if not reader.by_time and not shape.is_unique((reader.cursor,)):
            advice = f"字段 {reader.cursor} 没有唯一索引；有重复编号时，后写入的行可能读不到。"
        elif reader.cursor not in shape.indexed:
            advice = f"字段 {reader.cursor} 没有索引，表大时每次读取都会变慢；请对方建索引。"
        said.append(f"按 {reader.cursor} 发现新行")
    return watch.step("shape", True, "，".join(said) + "。", advice)


def _sentence(fault: DatabaseFault) -> str:
    return f"数据库{fault.words}。"
