"""The threads of a host that do jobs and send alerts, beside the lanes: a person waits for the one, nobody for the other."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from connectors.adapters.outside import Outside
from connectors.errors import ConnectorError
from connectors.host.alerting import AlertSender
from connectors.host.job_desk import LIMITS_S, Job, NotWanted, Told, TooLong, end_job, take_job
from connectors.host.settings import NAME, HostConfig
from connectors.host.tries import TRIES
from connectors.host.trying import opened_try
from connectors.pace import Backoff
from connectors.session import Session, SessionLost
from hub.errors import HubError

CHANNEL = "shenguan_connector_job"
THREADS = 2
LOOK_S, ALERTS_S = 5.0, 5.0
_log = structlog.get_logger(__name__)


@dataclass
class Errands:
    """Started and stopped with the host."""

    config: HostConfig
    engine: Engine

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        names = [*(f"jobs-{number}" for number in range(THREADS)), "alerts"]
        works = [*[self._jobs] * THREADS, self._alerts]
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in zip(names, works, strict=True)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """A job in hand is left to another host, which takes it again."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(10)

    def _jobs(self) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            session = None
            try:
                session = Session(self.config.database_url, name=f"shenguan {NAME} jobs")
                session.listen(CHANNEL)
                while not self._stop.is_set():
                    while not self._stop.is_set() and (job := take_job(self.engine, self.config.instance)):
                        do_job(self.config, self.engine, job)
                    backoff.succeeded()
                    for _ in range(int(LOOK_S / 0.5)):
                        if session.wait(0.5) or self._stop.is_set():
                            break
            except (SessionLost, SQLAlchemyError) as error:
                _log.warning("host.jobs", error=str(error)[:200])
                backoff.wait(self._stop)
            finally:
                if session is not None:
                    session.close()

    def _alerts(self) -> None:
        outside = Outside(
            base=self.config.folder,
            loopback_allowed=self.config.loopback_allowed,
            private_allowed=self.config.private_allowed,
            closed=self.config.closed,
            clock=self.config.desk.clock,
        )
        sender = AlertSender(self.engine, self.config.desk, outside)
        while not self._stop.wait(ALERTS_S):
            try:
                sender.send_due()
            except SQLAlchemyError as error:
                _log.warning("host.alerts", error=str(error)[:200])


def do_job(config: HostConfig, engine: Engine, job: Job) -> None:
    """All of it; how it went is in its row. Raises only what the database raises."""
    told = Told(engine, job)
    state, result, words = "failed", None, ""
    with told.beating():
        try:
            result, words = TRIES[job.kind](opened_try(config, engine, job, told))
            state = "done"
        except NotWanted:
            return
        except TooLong:
            words = f"超过 {LIMITS_S[job.kind]} 秒没有完成，已停止。请减少条数，或检查对方是否响应过慢。"
        except (ConnectorError, HubError) as error:
            words = error.message
        except SQLAlchemyError:
            raise
        except Exception as error:  # an adapter of anybody's
            _log.exception("host.job", job=str(job.id), kind=job.kind)
            words = f"意外错误（{type(error).__name__}）：{str(error)[:300]}"
    end_job(engine, job, state=state, result=result, words=words)
