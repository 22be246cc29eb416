"""Jobs of the table `connector_jobs`: taken one at a time, told step by step, ended once.

Guarantees: a job is with one host at a time; one whose host died is taken again once; one that nobody wants any more, or
that takes too long, ends between two steps.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from connectors.department.mapped_state import cleaned

DIED_S = 30
BEAT_S = 5.0
AGAIN = "#2"
LIMITS_S = {"check": 60, "columns": 60, "sample": 120, "dry_run": 300, "sandbox": 600}

_TAKE = """
UPDATE connector_jobs j SET state = 'running', beat_at = now(), steps = '[]',
  taken_by = CAST(:instance AS text) || CASE WHEN j.state = 'running' THEN :again ELSE '' END
FROM (SELECT id FROM connector_jobs
      WHERE state = 'waiting' OR (state = 'running' AND beat_at < now() - make_interval(secs => :died)
        AND taken_by NOT LIKE '%' || :again)
      ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED) AS found
WHERE j.id = found.id RETURNING j.id, j.connector, j.version, j.kind, j.params
"""
_GIVEN_UP = """
UPDATE connector_jobs SET state = 'failed', finished_at = now(), words = '执行它的连接器主机两次中断，请再试一次。'
WHERE state = 'running' AND taken_by LIKE '%' || :again AND beat_at < now() - make_interval(secs => :died)
"""
_BEAT = "UPDATE connector_jobs SET beat_at = now() WHERE id = :id AND state = 'running' RETURNING 1"
_STEP = """
UPDATE connector_jobs SET steps = steps || CAST(:step AS jsonb), beat_at = now()
WHERE id = :id AND state = 'running' RETURNING 1
"""
_END = """
UPDATE connector_jobs SET state = :state, result = CAST(:result AS jsonb), words = :words, finished_at = now(),
  beat_at = now()
WHERE id = :id AND state = 'running'
"""


class NotWanted(Exception):
    """Somebody cancelled it."""


class TooLong(Exception):
    """它超过了时限。"""


@dataclass(frozen=True)
class Job:
    """One that is ours now."""

    id: uuid.UUID
    connector: str
    version: int
    kind: str
    params: Mapping[str, Any]


class Told:
    """What is told of a job while it goes on."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self._engine = engine
        self._job = job
        self._over = threading.Event()
        self._wanted = True
        self._late = False

    def step(self, **said: Any) -> None:
        """One more step. Raises NotWanted, TooLong."""
        self.go_on()
        with self._engine.begin() as tx:
            step = {"id": self._job.id, "step": as_json([said])}
            if not tx.execute(text(_STEP), step).first():
                raise NotWanted

    def go_on(self) -> None:
        """Nothing to tell, but may it go on? Raises NotWanted, TooLong."""
        if not self._wanted:
            raise NotWanted
        if self._late:
            raise TooLong

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Say in the background that it is alive."""
        thread = threading.Thread(target=self._beat, name="job-beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(5)

    def _beat(self) -> None:
        left = LIMITS_S[self._job.kind] / BEAT_S
        while not self._over.wait(BEAT_S):
            left -= 1
            self._late = left <= 0
            try:
                with self._engine.begin() as tx:
                    self._wanted = tx.execute(text(_BEAT), {"id": self._job.id}).first() is not None
            except SQLAlchemyError:
                continue  # a database that is away for a moment takes nobody's job


def take_job(engine: Engine, instance: str) -> Job | None:
    """The oldest that waits, or whose host died."""
    with engine.begin() as tx:
        known = {"again": AGAIN, "died": DIED_S}
        tx.execute(text(_GIVEN_UP), known)
        row = tx.execute(text(_TAKE), {"instance": instance, **known}).one_or_none()
    return None if row is None else Job(*row)


def end_job(engine: Engine, job: Job, *, state: str, result: Mapping[str, Any] | None, words: str) -> None:
    """Once; one that was cancelled meanwhile stays so."""
    said = {"id": job.id, "state": state, "result": None if result is None else as_json(result)}
    with engine.begin() as tx:
        tx.execute(text(_END), {**said, "words": words[:2000]})


def as_json(value: Any) -> str:
    """As the database takes it, whatever adapters bring."""
    return json.dumps(cleaned(value), ensure_ascii=False)
