"""监管统计: checks, problems, what was put right, and money, by department and month; only what stands counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, text

from hub.feedback.money import in_yuan
from hub.workday import LOCAL

TITLES = (
    _("月份"),
    _("部门"),
    _("检查"),
    _("发现问题"),
    _("问题率"),
    _("整改合格"),
    _("移交执法"),
    _("执法结果"),
    _("罚没（元）"),
)
_FIGURES = text("""
SELECT to_char(f.happened_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month, d.name,
  count(*) FILTER (WHERE f.kind = 'inspection') AS checks,
  count(*) FILTER (WHERE f.kind = 'inspection' AND (f.check_result <> '1' OR f.handling <> '1')) AS problems,
  count(*) FILTER (WHERE f.kind = 'rectification' AND f.result = '1') AS rectified,
  count(*) FILTER (WHERE f.handling = '3' OR f.kind = 'rectification' AND f.result = '3') AS handed_over,
  count(*) FILTER (WHERE f.kind = 'enforcement') AS penalties,
  coalesce(sum(coalesce(f.fine_fen, 0) + coalesce(f.confiscated_fen, 0)) FILTER (WHERE f.kind = 'enforcement'), 0)::bigint
    AS fen
FROM findings f JOIN departments d ON d.code = f.department
WHERE f.standing = 'standing' AND f.kind IN ('inspection', 'rectification', 'enforcement')
  AND f.happened_at >= :first AND f.happened_at < :after AND (CAST(:mine AS text) IS NULL OR f.department = :mine)
GROUP BY 1, 2 ORDER BY 1 DESC, 2
""")


def months(args: Mapping[str, str]) -> tuple[date, date]:
    """The days asked for; else the last twelve months."""
    last = _day(args.get("to")) or datetime.now(UTC).astimezone(LOCAL).date()
    first = _day(args.get("from")) or (last.replace(day=1) - timedelta(days=334)).replace(day=1)
    return min(first, last), last


def figures(tx: Connection, first: date, last: date, mine: str | None) -> Sequence[Any]:
    """One row for a month and department."""
    of = {"first": _midnight(first), "after": _midnight(last + timedelta(days=1)), "mine": mine}
    return tx.execute(_FIGURES, of).all()


def figures_rows(rows: Sequence[Any]) -> Iterator[list[str]]:
    """For a file."""
    yield [str(title) for title in TITLES]
    for row in rows:
        yield [
            row.month,
            row.name,
            str(row.checks),
            str(row.problems),
            rate(row),
            str(row.rectified),
            str(row.handed_over),
            str(row.penalties),
            in_yuan(row.fen),
        ]


def rate(row: Any) -> str:
    """Problems of checks."""
    return f"{row.problems / row.checks:.1%}" if row.checks else "—"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=LOCAL)


def _day(value: str | None) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        return None
