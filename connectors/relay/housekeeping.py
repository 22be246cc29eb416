"""The housekeeping thread: what nobody waits for but somebody must do. One housekeeper at a time, by a lock of the hub.

Guarantees: uploads that a crash or a silent scanner left unfinished are finished; abandoned ones, their spooled bytes and
objects that nobody refers to are removed when they are a day old; promises, sources and grants whose day has passed are
told; notices get their limits and unread ones escalate; what is too old raises an alert; what a broker lost goes out again;
at night the month is reconciled; licences whose last day has passed expire, their holders are warned before, and status
lists are made anew. A chore that fails is logged and shown, and stops neither the others nor a message.
What was removed is in the ledger; the last round and its counts are in what the relay says of itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import Connection, Engine, text

from connectors.host.retired import drop_retired
from connectors.relay.topic_watch import TopicWatch
from hub.advice.tell_late_answers import tell_late_answers
from hub.connecting.forget_old import forget_old
from hub.errors import HubError
from hub.exchange.resend import resend_unsigned
from hub.feedback.read_evidence import take_what_waited
from hub.feedback.shine_lights import dim_lights
from hub.feedback.unused_evidence import drop_unused
from hub.joining.receipts import take_arrivals
from hub.ledger import Entry, record
from hub.licensing.checking.make_status_lists import refresh_status_lists
from hub.licensing.living.expire_licences import expire_licences, warn_holders
from hub.noticing.alert import KINDS as ALERTS
from hub.noticing.escalate import escalate, set_limits
from hub.noticing.raise_alerts import note_fault, raise_alerts
from hub.ports import Clock, Desk
from hub.pushing.overdue import notice_overdue
from hub.pushing.release_push import complete_held
from hub.reconciling.reconcile_nightly import reconcile_nightly
from hub.reuse.promise_deferral import tell_overdue
from hub.reuse.tell_relied import expire_sources
from hub.sharing.expire_grants import expire_grants
from hub.store_upload import abandon_stale, referenced_objects, unfinished, unfinished_among
from hub.workday import LOCAL
from storage.intake.finish import Intake, finish_upload

ACTOR = "program:relay"
OLD = timedelta(days=1)
LEFT_ALONE = timedelta(minutes=1)  # an upload that is being checked may still have somebody at it
_LOCK = 0x4B454550
_ROUNDS = 1000  # of a chore that works in batches; the rest comes with the next round
_log = structlog.get_logger(__name__)

#: What a chore is called in the ledger and on the page.
TITLES = {
    "finished": "续办上传",
    "abandoned": "作废过期上传",
    "spooled": "清理暂存文件",
    "orphans": "清理无主文件",
    "overdue": "容缺逾期提醒",
    "missed": "推送超时提醒",
    "sources": "来源到期提醒",
    "grants": "授权到期",
    "answers": "协调建议逾期",
    "expired": "证照到期失效",
    "warned": "证照到期提醒",
    "status_lists": "更新证照状态清单",
    "waited": "接收等到了依据的消息",
    "dimmed": "红黄绿灯到期",
    "limits": "提醒定限",
    "escalated": "提醒升级",
    "alerts": "告警变化",
    "resent": "自动补发",
    "refilled": "主题重建补发",
    "reconciled": "对账",
    "completed": "补齐后放行",
    "unused": "清理没有用上的佐证",
    "forgotten": "清理连接器旧记录",
    "dropped": "清除停用连接器的状态",
}
REMOVED = frozenset({"abandoned", "spooled", "orphans"})


@dataclass(frozen=True)
class Housekeeper:
    """Does the chores. `intake` None: this relay has no part in files; `desk` None: nor in licences."""

    engine: Engine
    clock: Clock
    intake: Intake | None = None
    desk: Desk | None = None
    watch: TopicWatch | None = None

    def round(self, *, orphans: bool) -> dict[str, int] | None:
        """Every chore once, unless another is at it; what each did."""
        with self.engine.connect() as guard, guard.begin():
            if not guard.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}):
                return None
            done = {name: self._do(name, chore) for name, chore in self._chores(orphans).items()}
        removed = {name: n for name, n in done.items() if n and name in REMOVED}
        if removed:
            with self.engine.begin() as tx:
                record(tx, Entry(ACTOR, "housekeeping.swept", "hub:files", detail=removed))
        return done

    def greet(self) -> int:
        """What has come to inboxes in the browser is said to have arrived; twice at once is once."""
        desk = self.desk
        return 0 if desk is None else self._batches(lambda tx, _now: take_arrivals(tx, desk))

    def _chores(self, orphans: bool) -> Mapping[str, Callable[[], int]]:
        chores: dict[str, Callable[[], int]] = {
            "overdue": lambda: self._batches(lambda tx, now: tell_overdue(tx, now)),
            "missed": lambda: self._batches(notice_overdue),
            "sources": lambda: self._batches(lambda tx, now: expire_sources(tx, _day(now), now=now)),
            "grants": lambda: self._batches(lambda tx, now: expire_grants(tx, _day(now), now)),
            "answers": lambda: self._batches(lambda tx, now: tell_late_answers(tx, now)),
            "limits": lambda: self._batches(set_limits),
            "escalated": lambda: self._batches(escalate),
            "alerts": self._look_for_alerts,
            "resent": self._resend,
            "forgotten": lambda: self._batches(forget_old),
            "dropped": lambda: self._batches(lambda tx, now: drop_retired(tx, now, actor=ACTOR)),
        }
        if self.watch is not None:
            chores["refilled"] = self.watch.look
        if self.desk is not None:
            desk = self.desk
            chores |= {
                "waited": lambda: self._once(lambda tx, _now: take_what_waited(tx, desk)),
                "dimmed": lambda: self._batches(lambda tx, now: dim_lights(tx, now)),
                "expired": lambda: self._batches(lambda tx, now: expire_licences(tx, _day(now), desk)),
                "warned": lambda: self._batches(lambda tx, now: warn_holders(tx, _day(now), desk)),
                "status_lists": lambda: self._refresh(desk),
                "reconciled": lambda: reconcile_nightly(self.engine, desk),
                "completed": lambda: self._batches(lambda tx, _now: complete_held(tx, desk)),
            }
        if self.intake is not None:
            intake = self.intake
            chores |= {
                "finished": lambda: self._finish(intake),
                "abandoned": lambda: self._abandon(),
                "spooled": lambda: self._sweep_spool(intake),
                "unused": lambda: self._batches(lambda tx, now: _drop_unused(tx, now, intake)),
            }
            if orphans:
                chores["orphans"] = lambda: self._sweep_objects(intake)
        return chores

    def _do(self, name: str, chore: Callable[[], int]) -> int:
        try:
            return chore()
        except (
            Exception
        ) as error:  # whatever the store or the database say: it comes again with the next round
            _log.warning("housekeeping.failed", chore=name, error=str(error)[:300])
            return 0

    def _batches(self, step: Callable[..., int]) -> int:
        total = 0
        for _ in range(_ROUNDS):
            with self.engine.begin() as tx:
                done = step(tx, self.clock())
            total += done
            if not done:
                break
        return total

    def _look_for_alerts(self) -> int:
        """Each kind on its own: one that cannot be looked for says so, and hides none of the others."""
        changed = 0
        for kind in ALERTS:
            try:
                with self.engine.begin() as tx:
                    changed += raise_alerts(tx, kind, self.clock())
            except Exception as error:
                _log.warning("housekeeping.alerts", kind=kind, error=str(error)[:300])
                with self.engine.begin() as tx:
                    note_fault(tx, kind, str(error))
        return changed

    def _resend(self) -> int:
        with self.engine.begin() as tx:
            return resend_unsigned(tx, self.clock())

    def _once(self, step: Callable[..., int]) -> int:
        with self.engine.begin() as tx:
            return step(tx, self.clock())

    def _refresh(self, desk: Desk) -> int:
        with self.engine.begin() as tx:
            return refresh_status_lists(tx, desk, now=self.clock())

    def _finish(self, intake: Intake) -> int:
        with self.engine.connect() as tx:
            waiting = unfinished(tx, self.clock() - LEFT_ALONE)
        finished = 0
        for upload in waiting:
            if not intake.spool.path(upload).exists():
                continue  # on another machine's disk
            try:
                finished += finish_upload(self.engine, intake, upload) in ("stored", "refused")
            except HubError as error:
                _log.warning("housekeeping.upload", upload=str(upload), error=error.message)
        return finished

    def _abandon(self) -> int:
        return self._batches(lambda tx, now: len(abandon_stale(tx, now - OLD, actor=ACTOR)))

    def _sweep_spool(self, intake: Intake) -> int:
        old = list(intake.spool.older_than(OLD.total_seconds()))
        with self.engine.connect() as tx:
            needed = unfinished_among(tx, [upload for upload, _ in old if upload is not None])
        swept = 0
        for upload, path in old:
            if upload not in needed:
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def _sweep_objects(self, intake: Intake) -> int:
        def referenced(names: list[str]) -> set[str]:
            with self.engine.connect() as tx:
                return referenced_objects(tx, names)

        return intake.files.sweep(self.clock() - OLD, referenced)


def _drop_unused(tx: Connection, now: datetime, intake: Intake) -> int:
    return drop_unused(tx, now - timedelta(days=intake.unused.days), actor=ACTOR)


def _day(now: datetime) -> date:
    return now.astimezone(LOCAL).date()


class Housekeeping:
    """Runs the rounds in a thread of its own, so that a slow store never delays a message."""

    def __init__(
        self,
        housekeeper: Housekeeper,
        *,
        every_s: float = 60.0,
        orphans_every_s: float = 6 * 3600.0,
        greet_every_s: float = 2.0,
    ) -> None:
        self._housekeeper = housekeeper
        self._every_s = every_s
        self._orphans_every_s = orphans_every_s
        self._greet_every_s = min(greet_every_s, every_s)
        self._thread: threading.Thread | None = None
        self.told: str | None = None

    def start(self, stop: threading.Event) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, args=(stop,), name="housekeeping", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait a while for the chore in hand; what it leaves is done by the next round."""
        if self._thread is not None:
            self._thread.join(10)

    def _run(self, stop: threading.Event) -> None:
        swept_at: float | None = None
        kept_at = time.monotonic()
        while not stop.wait(self._greet_every_s):
            self._greet()
            if time.monotonic() - kept_at < self._every_s:
                continue
            kept_at = time.monotonic()
            orphans = swept_at is None or time.monotonic() - swept_at >= self._orphans_every_s
            try:
                done = self._housekeeper.round(orphans=orphans)
            except Exception as error:  # the database is away: the relay says so already
                _log.warning("housekeeping.waits", error=str(error)[:300])
                continue
            if done is None:
                self.told = None  # another relay keeps house
                continue
            if orphans:
                swept_at = time.monotonic()
            self.told = told(self._housekeeper.clock(), done)

    def _greet(self) -> None:
        try:
            self._housekeeper.greet()
        except Exception as error:  # the database is away, or somebody was quicker: again in a moment
            _log.warning("housekeeping.greeting", error=str(error)[:300])


def told(now: datetime, done: Mapping[str, int]) -> str:
    """One round in words."""
    counts = "、".join(f"{TITLES[name]} {n}" for name, n in done.items() if n) or "没有要处理的"
    return f"{now.astimezone(LOCAL):%H:%M} 整理：{counts}"
