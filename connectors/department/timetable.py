"""When and how fast a connector works: quiet hours, a cron expression for collecting, a rate for what goes out.

Guarantees: times of day are Asia/Shanghai; a collecting that fell due while nobody ran is made up for once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from cronsim import CronSim, CronSimError

from connectors.department.events import LOCAL
from connectors.errors import Misconfigured
from schemas.connector.document import Running

Monotonic = Callable[[], float]


class Timetable:
    """Of one connector."""

    def __init__(self, running: Running) -> None:
        self._running = running
        if running.schedule:
            try:
                CronSim(running.schedule, datetime.now(LOCAL))
            except CronSimError as error:
                raise Misconfigured(f"收取时间表“{running.schedule}”不是 cron 表达式：{error}。") from error

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the quiet hours that it is now are over; None: it is not quiet."""
        start, end = self._running.quiet_from, self._running.quiet_to
        if not start or not end or start == end:
            return None
        local = now.astimezone(LOCAL)
        today = f"{local:%H:%M}"
        inside = start <= today < end if start < end else today >= start or today < end
        if not inside:
            return None
        hour, minute = map(int, end.split(":"))
        over = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return over if over > local else over + timedelta(days=1)

    def collect_at(self, last: datetime | None, now: datetime) -> datetime:
        """When to collect next, having last collected then."""
        if last is None:
            return now
        if not self._running.schedule:
            return last + timedelta(seconds=max(self._running.poll_seconds, 1))
        return next(CronSim(self._running.schedule, last.astimezone(LOCAL)))


class Bucket:
    """Tokens: as many as may go out at once are there after a minute of nothing."""

    def __init__(self, per_minute: int, clock: Monotonic = time.monotonic) -> None:
        self._per_second = per_minute / 60
        self._most = max(1.0, per_minute / 6)  # ten seconds' worth at once
        self._clock = clock
        self._tokens = self._most
        self._at = clock()

    def most(self, wanted: int) -> int:
        """How many of `wanted` may go now."""
        if not self._per_second:
            return wanted
        now = self._clock()
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        return min(wanted, int(self._tokens))

    def spend(self, count: int) -> None:
        """So many went."""
        if self._per_second:
            self._tokens -= count

    def wait(self) -> float:
        """Seconds until the next one may go; 0: at once."""
        return 0.0 if self.most(1) else (1 - self._tokens) / self._per_second
