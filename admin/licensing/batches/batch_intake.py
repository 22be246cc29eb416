"""Sheets of licences on their way in: kept for a moment, read by a thread, their batch tells how far it is.

Guarantees: what is wrong with the file as a whole is said at once; the copy on disk is readable by this account alone and
gone when it is read. A web process that dies leaves a batch that is still 'reading', which a person stops; handing the
file in again changes nothing twice.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from hub.errors import HubError
from hub.licensing.batches.batch_rows import open_batch, read_in
from hub.licensing.batches.batch_source import BatchSource
from hub.ports import Desk
from storage.json_rows import read_any_rows
from storage.spreadsheet import write_book

_log = logging.getLogger(__name__)
Said = Callable[[str, bytes], BatchSource]  # the file's name and SHA-256 -> what the form says of it


class BatchIntake:
    """Takes sheets for one hub."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        self._engine, self._desk = engine, desk

    def take(self, upload: Any, said: Said, *, actor: str) -> uuid.UUID:
        """Begin to read a sheet; its batch. Raises Rejected where it is no sheet at all."""
        folder = Path(tempfile.mkdtemp(prefix="shenguan-batch-"))
        try:
            path = folder / "sheet"
            upload.save(path)
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").digest()
            source = said(Path(upload.filename).name, digest)
            with read_any_rows(path):  # whether it can be read at all
                pass
            with self._engine.begin() as tx:
                batch_id = open_batch(tx, source, actor=actor)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        threading.Thread(
            target=self._read,
            args=(folder, batch_id, source, actor),
            name=f"batch-{batch_id.hex[:8]}",
            daemon=True,
        ).start()
        return batch_id

    def _read(self, folder: Path, batch_id: uuid.UUID, source: BatchSource, actor: str) -> None:
        try:
            with read_any_rows(folder / "sheet") as rows:
                read_in(self._engine, rows, source, self._desk, actor=actor, batch_id=batch_id)
        except HubError as error:
            _log.info("batch %s was not taken: %s", batch_id, error.message)  # the batch says so, too
        except Exception:
            _log.exception("batch %s could not be read", batch_id)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def book(sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[object]]]]) -> bytes:
        """A small workbook."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "book.xlsx"
            write_book(path, sheets)
            return path.read_bytes()
