"""Keys that keep failing: parked with their cause, tried again ever more rarely, freed by a success or by a person.

Guarantees: only the failing (topic, key) waits, the others go on. A broker that is down parks nobody. Every try that failed,
and the one that went through at last, stands in `attempts`.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.session import Session

FIRST_WAIT_S = 2
LONGEST_WAIT_S = 3600

_PARK = """
WITH tried AS (
  INSERT INTO attempts (subject, act, actor, done, words)
  VALUES ('key:' || %s || '/' || %s, 'park', 'program:relay', false, %s))
INSERT INTO parked_keys (topic, key, cause, attempts, next_try_at)
VALUES (%s, %s, %s, 1, now() + make_interval(secs => %s))
ON CONFLICT (topic, key) DO UPDATE SET
  cause = excluded.cause,
  attempts = parked_keys.attempts + 1,
  next_try_at = CASE WHEN parked_keys.next_try_at IS NULL THEN NULL
    ELSE now() + make_interval(secs => least(%s * 2 ^ least(parked_keys.attempts, 20), %s)) END
"""
_FREE = """
WITH freed AS (
  DELETE FROM parked_keys p USING unnest(%s::text[], %s::text[]) AS s(topic, key)
  WHERE p.topic = s.topic AND p.key = s.key RETURNING p.topic, p.key)
INSERT INTO attempts (subject, act, actor, done, words)
SELECT 'key:' || topic || '/' || key, 'publish', 'program:relay', true, '已发布' FROM freed
"""


class Parking:
    """The parked keys as one relay sees them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.parked = 0

    def refresh(self) -> int:
        """How many keys are parked at the moment."""
        (self.parked,) = self._session.rows("SELECT count(*) FROM parked_keys")[0]
        return self.parked

    def park(self, topic: str, key: str, cause: str) -> None:
        """Leave this key alone for a while; the wait doubles with every attempt, up to an hour."""
        words = cause[:500]
        waits = (FIRST_WAIT_S, FIRST_WAIT_S, LONGEST_WAIT_S)
        self._session.run(_PARK, (topic, key, words, topic, key, words, *waits))
        self.parked += 1

    def free(self, sent: Iterable[tuple[str, str]]) -> None:
        """These went through: nothing holds them any more."""
        pairs = sorted(set(sent))
        if self.parked and pairs:
            self._session.run(_FREE, ([topic for topic, _ in pairs], [key for _, key in pairs]))
            self.refresh()
