"""Finishing uploads beside the requests: a few threads of this process, so that no request waits for a large file.

Guarantees: a small file is usually stored when its last piece is answered; whatever is not finished here (a crash, a
restart, an object store that was away) is finished by the next question of its page, or by the relay's housekeeping.
"""

from __future__ import annotations

import logging
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock

from sqlalchemy import Engine

from admin.premises import actor, here
from hub.errors import HubError
from hub.take_upload import UploadFacts, look_at_upload
from storage.intake.finish import Intake, finish_upload

THREADS = 3
PATIENCE = 1.5  # seconds that the last piece waits for the end of the checks
_log = logging.getLogger(__name__)


class _Finishers:
    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="finish-upload")
        self._running: dict[uuid.UUID, Future[None]] = {}
        self._lock = Lock()

    def start(self, engine: Engine, intake: Intake, upload_id: uuid.UUID) -> Future[None]:
        """Finish it, unless this process is at it already."""
        with self._lock:
            running = self._running.get(upload_id)
            if running is not None:
                return running
            started = self._pool.submit(_finish, engine, intake, upload_id)
            self._running[upload_id] = started
        started.add_done_callback(lambda _: self._done(upload_id))
        return started

    def _done(self, upload_id: uuid.UUID) -> None:
        with self._lock:
            self._running.pop(upload_id, None)


_finishers = _Finishers()


def finish_soon(upload_id: uuid.UUID, intake: Intake, *, patience: float = PATIENCE) -> UploadFacts:
    """Begin to finish it and wait a moment for the end. Gives how it stands then."""
    premises = here()
    running = _finishers.start(premises.engine, intake, upload_id)
    with suppress(TimeoutError):
        running.result(patience)
    with premises.engine.connect() as tx:
        return look_at_upload(tx, upload_id, actor=actor())


def _finish(engine: Engine, intake: Intake, upload_id: uuid.UUID) -> None:
    try:
        finish_upload(engine, intake, upload_id)
    except HubError as error:
        _log.warning("上传 %s 稍后再完成：%s", upload_id, error.message)
    except Exception:
        _log.exception("上传 %s 未能完成", upload_id)
