"""Take in safely: a batch in one transaction of its own; and when one message makes it fail, that one alone into quarantine.

Guarantees: a message that the database cannot take never holds up its neighbours; a database that is away is never
blamed on a message (`StoreAway`: try again later, nothing is lost).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.errors import Unavailable
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.take_in import TakenIn, take_in
from hub.ports import Desk

_log = logging.getLogger(__name__)
# Classes of SQLSTATE that speak of the data in hand: data exceptions, integrity, cardinality, syntax and access rule.
_MESSAGE_FAULTS = ("21", "22", "23", "42", "54")


class StoreAway(Exception):
    """数据库暂时不可用。数据没有丢失，恢复后会自动继续。"""


def take_safely(
    engine: Engine, arrived: Sequence[Arrived], refused: Sequence[Refused], desk: Desk
) -> TakenIn:
    """Take a batch in. Raises `StoreAway` when that has to wait."""
    for attempt in (
        1,
        2,
    ):  # a second intake may have taken the same message just now: then it is known at the second look
        try:
            return _once(engine, arrived, refused, desk)
        except _Poisoned as error:
            _log.warning("intake.batch_failed attempt=%s size=%s error=%.300s", attempt, len(arrived), error)
            poison = error
    if len(arrived) == 1 and not refused:
        return _once(engine, [], [_poisoned(arrived[0], poison)], desk)
    total = TakenIn(0, 0, 0)
    half = len(arrived) // 2
    for part in (arrived[:half], arrived[half:]) if len(arrived) > 1 else (arrived,):
        if part:
            total = _sum(total, take_safely(engine, part, [], desk))
    for one in refused:
        total = _sum(total, _refused_alone(engine, one, desk))
    return total


class _Poisoned(Exception):
    """The batch was rolled back, and not because the database is away."""


def _once(engine: Engine, arrived: Sequence[Arrived], refused: Sequence[Refused], desk: Desk) -> TakenIn:
    try:
        with engine.begin() as tx:
            return take_in(tx, arrived, refused, desk)
    except (Unavailable, PoolTimeout) as error:
        raise StoreAway(str(error)) from error
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        if state[:2] in _MESSAGE_FAULTS or (
            not state and not error.connection_invalidated and _encoding(error)
        ):
            raise _Poisoned(str(error.orig)) from error
        raise StoreAway(str(error.orig).strip()[:300]) from error
    except SQLAlchemyError as error:
        raise _Poisoned(str(error)) from error
    except Exception as error:  # a message that trips the effect itself must not stop the rest
        raise _Poisoned(f"{type(error).__name__}: {error}") from error


def _encoding(error: DBAPIError) -> bool:
    """The driver could not even write the value down; the server never saw it."""
    return type(error.orig).__name__ in {"DataError", "ProgrammingError", "NotSupportedError"}


def _poisoned(message: Arrived, error: Exception) -> Refused:
    _log.error(
        "intake.poison topic=%s partition=%s offset=%s sha256=%s error=%.500s",
        message.topic, message.partition, message.offset, hashlib.sha256(message.value).hexdigest(), error,
    )  # fmt: skip
    return message.refuse(
        "schema",
        "消息格式正确，但其中的内容无法写入，已单独隔离",
        "请核对各字段的取值（超长、超出范围的日期或数字）后以新的事件编号重新发送，或联系数据管理员",
    )


def _refused_alone(engine: Engine, one: Refused, desk: Desk) -> TakenIn:
    try:
        return _once(engine, [], [one], desk)
    except _Poisoned as error:
        # Even the quarantine cannot hold it as it is: keep what identifies it.
        _log.error("intake.unquarantinable topic=%s offset=%s error=%.300s", one.topic, one.offset, error)
        bare = Refused(
            one.topic, one.partition, one.offset, one.department, None, one.cause,
            "消息无法按原样保存，只留下了原始字节与摘要", one.expected, one.value, one.size, one.sha256,
        )  # fmt: skip
        try:
            return _once(engine, [], [bare], desk)
        except _Poisoned as worse:
            raise StoreAway(str(worse)) from worse


def _sum(one: TakenIn, other: TakenIn) -> TakenIn:
    return TakenIn(
        one.accepted + other.accepted,
        one.duplicates + other.duplicates,
        one.quarantined + other.quarantined,
        (*one.fresh, *other.fresh),
        (*one.refused, *other.refused),
    )
