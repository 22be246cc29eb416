"""What a retired connector remembered: kept for a while for whoever looks back, then dropped, with a row in the ledger.

Guarantees: never while something of it is unsettled: a message that it held and that nobody has signed for or given up, a
receipt that may not be out, a statement of the department that was not said. Its document, its refusals and what it signed
for stay in the hub's own tables.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from connectors.host.postgres_store import schema_of
from hub.ledger import Entry, record

KEPT = timedelta(days=30)
_RETIRED = """
SELECT c.code FROM connectors c LEFT JOIN connector_health h ON h.connector = c.code
WHERE c.state = 'retired' AND coalesce(greatest(c.paused_at, c.live_since, h.beat_at), c.created_at) < :before
ORDER BY c.code
"""
_HELD = """
SELECT count(*) FROM {schema}.held AS held
WHERE NOT EXISTS (SELECT 1 FROM pushes p WHERE p.event_id = held.event_id::uuid AND p.signed_at IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM announcements a WHERE a.event_id = held.event_id::uuid AND a.signed_at IS NOT NULL)
  AND coalesce((SELECT bool_or(r.settled_as IS DISTINCT FROM 'dismissed') FROM connector_refusals r
                WHERE r.connector = :code AND r.ref = held.event_id), true)
"""
#: What of a connector may be unsettled: the table it is in, and how it is counted.
_UNSETTLED = {
    "held": _HELD,
    "aside": "SELECT count(*) FROM {schema}.aside",
    "received": "SELECT count(*) FROM {schema}.received WHERE receipted_at IS NULL",
    "said": "SELECT count(*) FROM {schema}.said WHERE again = 1",
    "refusals": "SELECT count(*) FROM {schema}.refusals WHERE state = 'again'",
}
_COUNTED = ("received", "said", "held", "refusals")


def drop_retired(tx: Connection, now: datetime, *, actor: str) -> int:
    """The state of one connector that was retired long enough ago; 0: there is none."""
    for code in tx.execute(text(_RETIRED), {"before": now - KEPT}).scalars().all():
        schema = schema_of(code)
        if tx.scalar(text("SELECT to_regnamespace(:schema)"), {"schema": schema}) and not _unsettled(
            tx, code
        ):
            _drop(tx, code, schema, actor)
            return 1
    return 0


def _unsettled(tx: Connection, code: str) -> bool:
    schema = schema_of(code)
    return any(
        tx.scalar(text(question.format(schema=schema)), {"code": code} if ":code" in question else {})
        for table, question in _UNSETTLED.items()
        if _there(tx, schema, table)
    )


def _drop(tx: Connection, code: str, schema: str, actor: str) -> None:
    tx.execute(text("SET LOCAL lock_timeout = '2s'"))  # somebody may be looking: then with the next round
    counts = {
        table: tx.scalar(text(f"SELECT count(*) FROM {schema}.{table}"))  # noqa: S608 - of the code's own form
        for table in _COUNTED
        if _there(tx, schema, table)
    }
    tx.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    detail = {"kept_days": KEPT.days, **counts}
    record(tx, Entry(actor, "connector.state_dropped", f"connector:{code}", detail=detail))


def _there(tx: Connection, schema: str, table: str) -> bool:
    """A connector of an earlier release has no more tables than that release made."""
    return tx.scalar(text("SELECT to_regclass(:name)"), {"name": f"{schema}.{table}"}) is not None
