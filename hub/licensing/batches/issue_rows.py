"""Issue the licences of some claimed rows: check all, print each without a transaction, write all in one.

Guarantees: a row's key makes its licence one, whoever else works on the same words, in this batch or another; its number
is written on the row before it is printed; a row that cannot be checked, printed or written is refused alone, with the
reason. What a store that goes away leaves printed is written before the batch waits.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from hub.deciding.decided_rows import party_id
from hub.errors import Conflict, HubError, Unavailable
from hub.licensing.batches.batch_control import move_batch
from hub.licensing.batches.batch_rows import WHOLE_ROW, read_told, told
from hub.licensing.batches.batch_source import ALIVE
from hub.licensing.batches.claim_rows import Claimed, Result, finish, release, reserve, still_mine
from hub.licensing.batches.exchange_columns import exchange_columns
from hub.licensing.batches.exchange_rows import ExchangeRow
from hub.licensing.issuing.check_order import Checked, check_order
from hub.licensing.issuing.issue_licence import check_again, print_order
from hub.licensing.issuing.issued_rows import IssuedRows
from hub.licensing.issuing.order import Order, Prepared
from hub.ports import Desk
from hub.round_trips import ask, write
from hub.sheets.sheet import Refusal
from hub.workday import LOCAL

if TYPE_CHECKING:
    from hub.licensing.batches.run_batch import Workshop

_log = logging.getLogger(__name__)
_SAME = 4  # so many rows of a claim that fail alike, and none that does not
_NUMBER = next(column.title for column in exchange_columns() if column.code == "certificateNumber")


@dataclass(frozen=True, slots=True)
class _Known:
    """What there is already of a chunk's rows."""

    alive: Mapping[bytes, uuid.UUID]  # row's key -> the licence it made
    ended: Mapping[bytes, int]  # row's key -> how many of its licences are over
    numbers: Mapping[str, tuple[uuid.UUID, uuid.UUID]]  # number -> licence, holder


_BY_KEY = """
SELECT r.key, l.id, l.status FROM licence_batch_rows r JOIN licences l ON l.id = r.licence_id
WHERE r.key = ANY(%(keys)s) AND r.state = 'issued'
"""
_BY_NUMBER = """
SELECT number, id, party_id FROM licences
WHERE number = ANY(%(numbers)s) AND type_code = %(type)s AND department = %(department)s
AND origin = 'issued' AND status IN ('01', '02')
"""


def issue_rows(shop: Workshop, claimed: Claimed, rows: Sequence[ExchangeRow]) -> None:
    """Make the licences of these rows. Raises Unavailable where the store is away."""
    checked = _check_all(shop, claimed, rows)
    printed: dict[int, Prepared] = {}
    refused: list[Result] = []
    away: Unavailable | None = None
    assert shop.press is not None
    assert shop.tokens is not None
    for row, one in checked.items():
        try:
            printed[row] = print_order(one, shop.desk, shop.press, shop.tokens)
        except Unavailable as error:
            away = error
            break
        except Exception as error:
            refused.append(_refused(row, error))
    if common := _common_cause(printed, refused):
        _pause(shop, claimed, common)
        return
    _write_all(shop, claimed, printed, refused)
    if away is not None:
        raise away


def _common_cause(printed: Mapping[int, Prepared], refused: Sequence[Result]) -> str | None:
    """What the press says of every single row: no row's fault, but an expired certificate, or a face that cannot be."""
    causes = {result.problem for result in refused}
    if printed or len(refused) < _SAME or len(causes) != 1:
        return None
    return read_told(0, causes.pop() or "")[0].cause


def _pause(shop: Workshop, claimed: Claimed, cause: str) -> None:
    """Hand the batch to a person: nothing is refused for what is not the rows' fault."""
    _log.warning("batch %s is paused: %s", claimed.batch.id, cause)
    with shop.engine.begin() as tx:
        release(tx, claimed)
    with suppress(Conflict), shop.engine.begin() as tx:  # another process was quicker
        move_batch(
            tx,
            claimed.batch.id,
            "pause",
            actor="program:press",
            now=shop.desk.clock(),
            reason=f"每一行都没有办成，已自动暂停：{cause}。处理好后请点“继续”。",
        )


def _check_all(shop: Workshop, claimed: Claimed, rows: Sequence[ExchangeRow]) -> dict[int, Checked]:
    """The rows that may be printed; what there is already and what cannot be is written at once."""

    try:
        return _check_together(shop, claimed, rows)
    except OperationalError:
        raise
    except SQLAlchemyError:
        _log.exception("rows could not be checked together")
    checked: dict[int, Checked] = {}
    for row in rows:
        try:
            checked |= _check_together(shop, claimed, [row])
        except OperationalError:
            raise
        except SQLAlchemyError as error:
            _finish(shop, claimed, _refused(row.row, error))
    return checked


def _check_together(shop: Workshop, claimed: Claimed, rows: Sequence[ExchangeRow]) -> dict[int, Checked]:
    with shop.engine.begin() as tx:
        return _check(tx, shop, claimed, rows)


def _finish(shop: Workshop, claimed: Claimed, result: Result) -> None:
    with shop.engine.begin() as tx:
        if result.row in still_mine(tx, claimed):
            finish(tx, claimed, [result], shop.desk.clock())


def _check(
    tx: Connection, shop: Workshop, claimed: Claimed, rows: Sequence[ExchangeRow]
) -> dict[int, Checked]:
    mine = still_mine(tx, claimed)
    rows = [row for row in rows if row.row in mine]
    keys = {row: key for row, key, _, _ in claimed.rows}
    numbers = {row: number for row, _, _, number in claimed.rows}
    known = _known(tx, claimed, rows, keys)
    today = shop.desk.clock().astimezone(LOCAL).date()
    checked: dict[int, Checked] = {}
    results: list[Result] = []
    for row in rows:
        key = keys[row.row]
        if (licence := known.alive.get(key)) is not None:
            results.append(Result(row.row, "unchanged", licence))
            continue
        stated = row.values.get("certificateNumber", "")
        if stated in known.numbers:
            results.append(_numbered(shop, row, known.numbers[stated]))
            continue
        order = _order(claimed, row, today, f"row|{key.hex()}|{known.ended.get(key, 0)}")
        try:
            checked[row.row] = _checked(tx, order, numbers[row.row], shop.desk)
        except HubError as error:
            if isinstance(error, Unavailable):
                raise
            results.append(_refused(row.row, error))
    reserve(tx, claimed, {row: one.words.number for row, one in checked.items()})
    finish(tx, claimed, results, shop.desk.clock())
    return checked


def _known(
    tx: Connection, claimed: Claimed, rows: Sequence[ExchangeRow], keys: Mapping[int, bytes]
) -> _Known:
    batch = claimed.batch
    stated = [number for row in rows if (number := row.values.get("certificateNumber"))]
    of = {"numbers": stated, "type": batch.type_code, "department": batch.department}
    by_key, by_number = ask(tx, (_BY_KEY, {"keys": [keys[row.row] for row in rows]}), (_BY_NUMBER, of))
    alive: dict[bytes, uuid.UUID] = {}
    ended: dict[bytes, int] = {}
    for key, licence, status in by_key:
        if status in ALIVE:
            alive[bytes(key)] = licence
        else:
            ended[bytes(key)] = ended.get(bytes(key), 0) + 1
    return _Known(alive, ended, {number: (id_, party) for number, id_, party in by_number})


def _numbered(shop: Workshop, row: ExchangeRow, found: tuple[uuid.UUID, uuid.UUID]) -> Result:
    """A row whose number is on a licence already."""
    licence, holder = found
    if party_id(row.holders[0], shop.desk) == holder:
        return Result(row.row, "unchanged", licence)
    cause = f"证照编号 {row.values['certificateNumber']} 已用于另一持证主体的证照"
    return Result(
        row.row, "refused", problem=told([Refusal(row.row, _NUMBER, cause, "核对编号，或留空按规则生成")])
    )


def _checked(tx: Connection, order: Order, reserved: str | None, desk: Desk) -> Checked:
    """Check with the number that was reserved before, unless somebody gave it to another licence by hand."""
    if order.number is None and reserved is not None:
        try:
            return check_order(tx, replace(order, number=reserved), desk)
        except Conflict:
            pass
    return check_order(tx, order, desk)


def _order(claimed: Claimed, row: ExchangeRow, today: date, key: str) -> Order:
    batch = claimed.batch
    return Order(
        type_code=batch.type_code,
        holders=row.holders,
        values=row.fields,
        department=batch.department,
        issued_on=row.day("issueDate") or today,
        valid_from=row.day("certificateValidateStart"),
        valid_to=row.day("certificateValidateEnd"),
        reason=f"批量制证：{batch.source_name}",
        document_no=row.values.get("documentNumber"),
        number=row.values.get("certificateNumber"),
        key=key,
    )


def _write_all(
    shop: Workshop, claimed: Claimed, printed: Mapping[int, Prepared], refused: Sequence[Result]
) -> None:
    """All in one transaction; where one of them cannot be, each by itself."""
    try:
        with shop.engine.begin() as tx:
            _write(tx, shop, claimed, printed, refused)
    except (OperationalError, Unavailable):
        raise
    except (HubError, SQLAlchemyError):
        for row, one in printed.items():
            _write_alone(shop, claimed, row, one)
        with shop.engine.begin() as tx:
            _write(tx, shop, claimed, {}, refused)


def _write_alone(shop: Workshop, claimed: Claimed, row: int, one: Prepared) -> None:
    try:
        with shop.engine.begin() as tx:
            _write(tx, shop, claimed, {row: one}, [])
    except (OperationalError, Unavailable):
        raise
    except (HubError, SQLAlchemyError) as error:
        first = next(number is None for at, _, _, number in claimed.rows if at == row)
        if first and isinstance(error, Conflict | IntegrityError):
            # The same words were issued elsewhere meanwhile, or the number was given by hand: once more, from the start.
            with shop.engine.begin() as tx:
                release(tx, claimed, only=row)
        else:
            _finish(shop, claimed, _refused(row, error))


def _write(
    tx: Connection,
    shop: Workshop,
    claimed: Claimed,
    printed: Mapping[int, Prepared],
    refused: Sequence[Result],
) -> None:
    mine = still_mine(tx, claimed)
    writing = {row: one for row, one in printed.items() if row in mine}
    check_again(tx, list(writing.values()), shop.desk)
    rows = IssuedRows(shop.desk, shop.desk.clock())
    for one in writing.values():
        rows.add(one, claimed.batch.created_by)
    write(tx, *rows.tables())
    results = [Result(row, "issued", one.licence_id) for row, one in writing.items()]
    finish(tx, claimed, [*results, *(one for one in refused if one.row in mine)], shop.desk.clock())


def _refused(row: int, error: BaseException) -> Result:
    if isinstance(error, HubError):
        cause, cure = error.message, ""
    else:
        _log.error("row %s could not be done", row, exc_info=error)
        cause, cure = "这一行没有办成，原因已记入日志", "请联系系统管理员"
    return Result(row, "refused", problem=told([Refusal(row, WHOLE_ROW, cause.rstrip("。"), cure)]))
