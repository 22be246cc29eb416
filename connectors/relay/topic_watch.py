"""Topics that were made anew behind our back: what had been on them is lost, and goes out again.

Guarantees: a topic of a department that is missing is made, and one whose id is another than at the last look is noticed,
also when nothing is being sent; what the department has no receipt for goes out again. Deletes nothing. Topics that were
made anew while no relay ran, by somebody else, are not told from old ones: their messages go again when their time is up.
"""

from __future__ import annotations

from sqlalchemy import Engine, select

from connectors.bus import BusSettings, describe_topics, ensure_topics
from hub.department import Department, topic_in
from hub.exchange.resend import resend_lost
from hub.ports import Clock


class TopicWatch:
    """Remembers the ids of the departments' topics from look to look."""

    def __init__(self, engine: Engine, bus: BusSettings, area: str, clock: Clock) -> None:
        self._engine = engine
        self._bus = bus
        self._area = area
        self._clock = clock
        self._ids: dict[str, str | None] = {}

    def look(self) -> int:
        """Once; how many messages go out again."""
        with self._engine.connect() as tx:
            codes = tx.execute(select(Department.code).where(Department.active)).scalars().all()
        wanted = {topic_in(self._area, code) for code in codes}
        there = describe_topics(self._bus, wanted)
        made = ensure_topics(self._bus, wanted - there.keys())
        anew = {
            topic
            for topic, facts in there.items()
            if self._ids.get(topic) and facts.topic_id and facts.topic_id != self._ids[topic]
        }
        self._ids = {topic: facts.topic_id for topic, facts in describe_topics(self._bus, wanted).items()}
        if not anew and not made:
            return 0
        with self._engine.begin() as tx:
            return resend_lost(tx, sorted(anew | set(made)), self._clock())
