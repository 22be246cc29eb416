"""When a schedule is due next."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from hub.workday import LOCAL
from schemas.connector.judge import schedule_fault

SHOWN = 5


def next_times(schedule: str) -> list[datetime]:
    """The next five times of a cron expression, in Shanghai; none where it cannot be read."""
    if not schedule or schedule_fault(schedule):
        return []
    from cronsim import CronSim

    return list(islice(CronSim(schedule, datetime.now(LOCAL)), SHOWN))
