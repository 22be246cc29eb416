"""Validity 有效期: from when and until when a licence is good.

A period of months ends on the day before the same day of its last month (2026-11-22 and 60 months: 2031-11-21); where
that month has no such day, on its last day (2026-01-31 and one month: 2026-02-28), as the Civil Code counts (民法典
第二百零二条). Guarantees: pure; a later first day never gives an earlier last day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta

from hub.errors import Rejected
from hub.licensing.types.type_rules import TypeRules

LAST_YEAR = 9000


def months_on(start: date, months: int) -> date:
    """The last day of a period of so many months that begins on `start`."""
    count = start.year * 12 + start.month - 1 + months
    year, month = divmod(count, 12)
    last = monthrange(year, month + 1)[1]
    if start.day > last:
        return date(year, month + 1, last)
    return date(year, month + 1, start.day) - timedelta(days=1)


def last_day(rules: TypeRules, start: date, values: Mapping[str, str]) -> date | None:
    """The last valid day as the rules say; None: long-term, or (of `decided`) not said by the rules."""
    if rules.validity_kind == "days" and rules.validity_length:
        return start + timedelta(days=rules.validity_length - 1)
    if rules.validity_kind == "months" and rules.validity_length:
        return months_on(start, rules.validity_length)
    if rules.validity_kind == "field":
        said = values.get(rules.validity_field or "")
        if not said:
            raise Rejected("这种证照的有效期由字段决定，但没有填写有效期至的日期。请补填后再签发。")
        return date.fromisoformat(said)
    return None


def settled(
    rules: TypeRules,
    *,
    given: date | None,
    valid_from: date,
    counted_from: date,
    issued_on: date,
    values: Mapping[str, str],
) -> date | None:
    """The last day of a licence to be issued: as the rules say, or an earlier one that the order states. Raises Rejected."""
    if not 1900 <= valid_from.year <= LAST_YEAR:
        raise Rejected(f"有效期自 {valid_from} 不可能。请核对日期。")
    by_rule = last_day(rules, counted_from, values)
    if rules.validity_kind == "permanent" and given is not None:
        raise Rejected("这种证照长期有效，不要填写有效期至。确需定期的，请先修改证照类型的有效期规则。")
    if by_rule is not None and given is not None and given > by_rule:
        raise Rejected(f"有效期至 {given} 超过了规则允许的 {by_rule}。请改早，或留空按规则计算。")
    end = given if given is not None else by_rule
    if end is not None and end < max(valid_from, issued_on):
        raise Rejected(f"有效期至 {end} 早于有效期自 {valid_from} 或颁发日期 {issued_on}。请核对日期。")
    return end
