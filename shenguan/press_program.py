"""The press as a program: works batches of licences, woken by NOTIFY, in as many processes as it is told.

Guarantees: fonts and certificates are loaded once a process; a process that dies is started again, and ends with its
parent however that dies; a store or database that is away is waited out, said in `programs` and on the batch. On
`stop_event` the rows in hand are finished first. What a row becomes is hub.licensing.batches.run_batch's.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from connectors.heartbeat import Heartbeat
from connectors.pace import Backoff
from connectors.session import Session, SessionLost
from hub.errors import Unavailable
from hub.licensing.batches.batch import CHANNEL
from hub.licensing.batches.run_batch import Workshop, work_once
from hub.licensing.batches.tidy_batches import tidy_batches

if TYPE_CHECKING:
    from hub.licensing.ports import Press, Tokens
    from hub.ports import Desk

NAME = "press"
SAFETY_POLL_S = 3.0
TIDY_S = 3600.0
STOP_S = 20.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PressConfig:
    """What the composition root hands in."""

    database_url: str
    desk: Desk
    press: Press
    tokens: Tokens
    instance: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    poll_s: float = SAFETY_POLL_S


def run(config: PressConfig, stop_event: threading.Event) -> None:
    """Work batches in this process until `stop_event` is set, or the parent is gone."""
    engine = create_engine(config.database_url, pool_size=2, pool_pre_ping=True)
    heartbeat = Heartbeat(engine, NAME, config.instance)
    shop = Workshop(engine, config.desk, config.press, config.tokens)
    backoff = Backoff()
    parent = os.getppid()

    def told() -> bool:
        return stop_event.is_set() or os.getppid() != parent

    try:
        while not told():
            try:
                _serve(config, shop, heartbeat, backoff, told)
            except Unavailable as error:
                _log.warning("press.waiting", error=error.message)
                heartbeat.say("waiting", error.message)
            except (SessionLost, SQLAlchemyError) as error:
                _log.warning("press.database", error=str(error)[:300])
                heartbeat.say("waiting", "等待数据库恢复")
            if not told():
                backoff.wait(stop_event)
    finally:
        heartbeat.say("stopped")
        engine.dispose()


def _serve(
    config: PressConfig, shop: Workshop, heartbeat: Heartbeat, backoff: Backoff, told: Callable[[], bool]
) -> None:
    """One database session, until it or the store fails."""
    session = Session(config.database_url, name=f"shenguan {NAME}")
    try:
        session.listen(CHANNEL)
        tidied = -TIDY_S
        while not told():
            if time.monotonic() - tidied >= TIDY_S:
                with shop.engine.begin() as tx:
                    tidy_batches(tx, config.desk.clock())
                tidied = time.monotonic()
            worked = work_once(shop)
            backoff.succeeded()
            heartbeat.say("running")
            if not worked:
                _wait(session, config.poll_s, told)
    finally:
        session.close()


def _wait(session: Session, seconds: float, told: Callable[[], bool]) -> None:
    """Until a batch is started; a stop is heard within half a second."""
    until = time.monotonic() + seconds
    while not told() and (left := until - time.monotonic()) > 0:
        if session.wait(min(left, 0.5)):
            return


def run_several(make: Callable[[], PressConfig], processes: int, stop_event: threading.Event) -> None:
    """Keep so many processes at work until `stop_event` is set; each makes its own config."""
    spawning = multiprocessing.get_context("spawn")
    children = [_begin(spawning, make) for _ in range(processes)]
    pauses = [Backoff(first=0.5, longest=30.0) for _ in range(processes)]
    try:
        while not stop_event.wait(0.3):
            for at, child in enumerate(children):
                if not child.is_alive():
                    _log.warning("press.died", exit=child.exitcode)
                    if pauses[at].wait(stop_event):
                        break
                    children[at] = _begin(spawning, make)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.join(STOP_S)
            if child.is_alive():
                child.kill()
                child.join()


def _begin(
    context: multiprocessing.context.SpawnContext, make: Callable[[], PressConfig]
) -> multiprocessing.context.SpawnProcess:
    child = context.Process(target=_child, args=(make,), name="press", daemon=True)
    child.start()
    return child


def _child(make: Callable[[], PressConfig]) -> None:
    from shenguan import logs
    from shenguan.cli.stopping import until_told

    stop = until_told()
    logs.to_standard_error()
    run(make(), stop)
