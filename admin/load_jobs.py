"""Sheets loading in the background, their progress on disk, so that any worker can tell how far one is.

Guarantees: a sheet is loaded once, by the thread that was started with it; what became of it can be read until it is a day
old; a worker that died leaves a job that says so after SILENT seconds (loading the same file again changes nothing twice).
Folders and files are readable by the owner alone: sheets name persons.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import tempfile
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from hub.errors import HubError, NotFound
from hub.ports import Desk
from hub.sheets.load_sheet import LoadReport, load_sheet
from hub.sheets.sheet import Defaults
from schemas import dumps, loads
from storage.spreadsheet import read_rows, write_rows

KEPT_SECONDS = 86_400
SILENT = 30.0
SHOWN_REFUSALS = 200
_ID = re.compile(r"[0-9a-f]{32}")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Job:
    """How far one sheet is."""

    id: str
    name: str
    user: str
    state: str = "running"  # running, done, failed, lost
    message: str = ""
    position: float = 0.0
    accepted: int = 0
    unchanged: int = 0
    refused: int = 0
    without_push: int = 0
    started: float = 0.0
    seen: float = 0.0
    refusals: list[dict[str, Any]] = field(default_factory=list)

    @property
    def percent(self) -> int:
        """For the bar."""
        return 100 if self.state == "done" else min(99, int(self.position * 100))

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return max(0.0, self.seen - self.started)


class LoadJobs:
    """The jobs of one hub on this machine."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        self._engine, self._desk = engine, desk
        mark = hashlib.sha256(str(engine.url).encode()).hexdigest()[:16]
        self._folder = Path(tempfile.gettempdir()) / f"shenguan-loads-{mark}"

    def start(self, upload: Any, *, user: str, actor: str, defaults: Defaults) -> str:
        """Keep the uploaded sheet and load it in a thread of its own."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._sweep()
        job = Job(
            uuid.uuid4().hex, Path(upload.filename).name[:120], user, started=time.time(), seen=time.time()
        )
        folder = self._folder / job.id
        folder.mkdir(mode=0o700)
        upload.save(folder / "sheet")
        self._keep(job)
        threading.Thread(
            target=self._run, args=(job, actor, defaults), name=f"load-{job.id[:8]}", daemon=True
        ).start()
        return job.id

    def find(self, job_id: str) -> Job:
        """A job, whichever worker runs it. Raises NotFound."""
        try:
            if not _ID.fullmatch(job_id):
                raise FileNotFoundError
            job = Job(**loads((self._folder / job_id / "job.json").read_bytes()))
        except FileNotFoundError:
            raise NotFound("没有这次导入的记录，可能已超过一天。已入库的数据不受影响。") from None
        if job.state == "running" and time.time() - job.seen > SILENT:
            job.state, job.message = "lost", "导入被中断。请重新上传同一文件，已入库的行不会重复。"
        return job

    def recent(self, user: str) -> list[Job]:
        """The user's jobs, newest first."""
        found = []
        for folder in self._folder.glob("*") if self._folder.exists() else ():
            try:
                found.append(self.find(folder.name))
            except NotFound:
                continue
        return sorted((job for job in found if job.user == user), key=lambda job: -job.started)[:10]

    def result_sheet(self, job_id: str) -> Path:
        """The refused rows as .xlsx."""
        self.find(job_id)
        path = self._folder / job_id / "result.xlsx"
        if not path.exists():
            raise NotFound("这次导入没有被退回的行。")
        return path

    def _run(self, job: Job, actor: str, defaults: Defaults) -> None:
        folder = self._folder / job.id
        try:
            with read_rows(folder / "sheet") as rows:

                def progress(report: LoadReport, last_row: int) -> None:
                    del last_row
                    job.position = rows.position()
                    self._note(job, report)

                report = load_sheet(
                    self._engine, rows, self._desk, actor=actor, defaults=defaults, on_progress=progress
                )
            if report.refused:
                self._write_refusals(folder, report)
            job.state = "done"
            self._note(job, report, now=True)
        except HubError as error:
            job.state, job.message = "failed", error.message
            self._keep(job)
        except Exception:
            _log.exception("导入失败：%s", job.id)
            job.state, job.message = (
                "failed",
                "导入没有完成，原因已记入日志。已入库的行不受影响，可重新上传。",
            )
            self._keep(job)
        finally:
            (folder / "sheet").unlink(missing_ok=True)

    def _note(self, job: Job, report: LoadReport, *, now: bool = False) -> None:
        if not now and time.time() - job.seen < 0.3:
            return
        job.accepted, job.unchanged = report.accepted, report.unchanged
        job.refused, job.without_push = report.refused_rows, report.without_push
        job.refusals = [asdict(refusal) for refusal in report.refused[:SHOWN_REFUSALS]]
        self._keep(job)

    def _keep(self, job: Job) -> None:
        job.seen = time.time()
        path = self._folder / job.id / "job.json"
        partial = path.with_suffix(".part")
        partial.write_bytes(dumps(asdict(job)))
        partial.replace(path)

    @staticmethod
    def _write_refusals(folder: Path, report: LoadReport) -> None:
        write_rows(
            folder / "result.xlsx",
            ("行号", "列", "原因", "应为"),
            ((str(r.row), r.column, r.cause, r.expected) for r in report.refused),
            title="退回的行",
        )

    def _sweep(self) -> None:
        for folder in self._folder.iterdir():
            if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
