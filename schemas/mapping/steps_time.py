"""Steps over dates and moments. A date is read by the formats that the rule names, and by no other; what two of them read
differently is refused, never guessed. A moment without a zone is Asia/Shanghai."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from schemas.drafts.written import LOCAL
from schemas.mapping.results import Misfit, shown
from schemas.mapping.step import (
    Around,
    BadOptions,
    Options,
    Run,
    Scene,
    TransformInfo,
    Words,
    choice,
    each_alone,
    options_of,
    text_of,
    text_option,
    worded,
)

MAX_WRITTEN = 60
#: Behind a date, a time of day that is left away.
_TIME = r"(?:[T\s]*(?:\d{1,2}[:：]\d{2}(?:[:：]\d{2}(?:\.\d+)?)?))?"
DATE_FORMATS: dict[str, str] = {
    "YYYY-MM-DD": r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})" + _TIME,
    "YYYY/M/D": r"(?P<y>\d{4})/(?P<m>\d{1,2})/(?P<d>\d{1,2})" + _TIME,
    "YYYY.M.D": r"(?P<y>\d{4})\.(?P<m>\d{1,2})\.(?P<d>\d{1,2})" + _TIME,
    "YYYY年M月D日": r"(?P<y>\d{4})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*日?" + _TIME,
    "YYYYMMDD": r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    "D/M/YYYY": r"(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})[/.-](?P<y>\d{4})" + _TIME,
    "M/D/YYYY": r"(?P<m>\d{1,2})[/.-](?P<d>\d{1,2})[/.-](?P<y>\d{4})" + _TIME,
    "excel": r"(?P<serial>\d{1,5}(?:\.\d+)?)",
}
#: Where a rule names none: those that nobody can read otherwise.
USUAL_FORMATS = ("YYYY-MM-DD", "YYYY/M/D", "YYYY.M.D", "YYYY年M月D日", "YYYYMMDD")
_DATE_TITLES: dict[str, Words] = {
    **{name: name for name in DATE_FORMATS},
    "D/M/YYYY": ("日/月/年", "day/month/year"),
    "M/D/YYYY": ("月/日/年", "month/day/year"),
    "excel": ("Excel 日期序号", "Excel day number"),
}
DATE_OUT: dict[str, Callable[[date], Any]] = {
    "YYYY-MM-DD": date.isoformat,
    "YYYYMMDD": lambda day: f"{day:%Y%m%d}",
    "YYYY/MM/DD": lambda day: f"{day:%Y/%m/%d}",
    "YYYY/M/D": lambda day: f"{day.year}/{day.month}/{day.day}",
    "YYYY年M月D日": lambda day: f"{day.year}年{day.month}月{day.day}日",
    "YYYY-MM-DD 00:00:00": lambda day: f"{day.isoformat()} 00:00:00",
    "date": lambda day: day,
}
_LONG = frozenset(
    {
        "长期",
        "长期有效",
        "永久",
        "永久有效",
        "无固定期限",
        "2099-12-31",
        "2099/12/31",
        "2099年12月31日",
        "20991231",
    }
)
_EXCEL = date(1899, 12, 30)
_ZONED = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})")


def _date(options: Options, _around: Around) -> Run:
    names = options.get("formats") or USUAL_FORMATS
    patterns = [(name, re.compile(DATE_FORMATS[name])) for name in names]
    write, long = DATE_OUT[options.get("out", "YYYY-MM-DD")], options.get("long", "")

    def read(value: Any) -> Any:
        if isinstance(value, datetime):
            return write((value.astimezone(LOCAL) if value.tzinfo else value).date())
        if isinstance(value, date):
            return write(value)
        text = text_of(value).strip()
        if len(text) > MAX_WRITTEN:
            raise Misfit("format", f"日期“{shown(text)}”太长，不是日期")
        return read_text(text)

    @lru_cache(maxsize=2048)  # the days of a batch are few
    def read_text(text: str) -> Any:
        if long and text in _LONG:
            return long
        if _ZONED.fullmatch(text):
            return write(_read_zoned(text).astimezone(LOCAL).date())
        days = {day for name, pattern in patterns for day in [_day(pattern, text)] if day}
        if len(days) > 1:
            raise Misfit("format", f"日期“{shown(text)}”按所列格式有两种读法，请只保留一种格式")
        if not days:
            hint = "；长期有效的请填写“长期”选项" if text in _LONG else ""
            raise Misfit(
                "format",
                f"日期“{shown(text)}”不是所列格式（{'、'.join(_called(one) for one in names)}）{hint}",
            )
        return write(days.pop())

    return each_alone(read)


def _called(name: str) -> str:
    words = _DATE_TITLES[name]
    return words if isinstance(words, str) else words[0]


def _day(pattern: re.Pattern[str], text: str) -> date | None:
    found = pattern.fullmatch(text)
    if not found:
        return None
    parts = found.groupdict()
    try:
        if serial := parts.get("serial"):
            days = int(float(serial))
            return (
                _EXCEL + timedelta(days=days) if days > 60 else None
            )  # before that, Excel counts a day that never was
        return date(int(parts["y"]), int(parts["m"]), int(parts["d"]))
    except ValueError:
        return None


def _read_zoned(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Misfit("format", f"时间“{shown(text)}”不存在") from None


_CLOCK = re.compile(
    r"(?P<y>\d{4})(?P<s>[-/.年])\s*(?P<m>\d{1,2})[-/.月]\s*(?P<d>\d{1,2})日?"
    r"(?:[T\s]*(?P<H>\d{1,2})[:：时点](?P<M>\d{1,2})[:：分]?(?:(?P<S>\d{1,2})(?:\.\d+)?秒?)?)?"
)
_DIGITS = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})")
MOMENT_OUT: dict[str, Callable[[datetime], Any]] = {
    "utc": lambda at: at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    "local": lambda at: at.astimezone(LOCAL).isoformat(timespec="seconds"),
    "YYYY-MM-DD HH:mm:ss": lambda at: f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M:%S}",
    "YYYY-MM-DDTHH:mm:ss": lambda at: f"{at.astimezone(LOCAL):%Y-%m-%dT%H:%M:%S}",
    "YYYYMMDDHHmmss": lambda at: f"{at.astimezone(LOCAL):%Y%m%d%H%M%S}",
    "epoch": lambda at: int(at.timestamp()),
    "epoch_ms": lambda at: int(at.timestamp() * 1000),
    "datetime": lambda at: at.astimezone(LOCAL).replace(tzinfo=None),
}
_MOMENT_TITLES: dict[str, Words] = {
    "utc": ("UTC（2026-03-05T02:00:00Z）", "UTC (2026-03-05T02:00:00Z)"),
    "local": (
        "北京时间带时区（2026-03-05T10:00:00+08:00）",
        "Beijing time with zone (2026-03-05T10:00:00+08:00)",
    ),
    "YYYY-MM-DD HH:mm:ss": ("北京时间 2026-03-05 10:00:00", "Beijing time 2026-03-05 10:00:00"),
    "YYYY-MM-DDTHH:mm:ss": ("北京时间 2026-03-05T10:00:00", "Beijing time 2026-03-05T10:00:00"),
    "YYYYMMDDHHmmss": ("北京时间 20260305100000", "Beijing time 20260305100000"),
    "epoch": ("秒数（Unix 时间）", "Seconds (Unix time)"),
    "epoch_ms": ("毫秒数（Unix 时间）", "Milliseconds (Unix time)"),
    "datetime": ("数据库的日期时间（北京时间）", "The database's own moment (Beijing time)"),
}


def _moment(options: Options, _around: Around) -> Run:
    zone, unit = UTC if options.get("zone") == "utc" else LOCAL, options.get("number", "")
    write = MOMENT_OUT[options.get("out", "utc")]

    def read(value: Any) -> Any:
        try:
            return write(_instant(value, zone, unit))
        except (OverflowError, OSError):
            raise Misfit("format", f"时间“{shown(value)}”超出范围") from None

    return each_alone(read)


def _instant(value: Any, zone: Any, unit: str) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=zone)
    text = text_of(value).strip()[: MAX_WRITTEN + 1]
    if unit and re.fullmatch(r"-?\d{1,15}", text):
        return datetime.fromtimestamp(int(text) / (1000 if unit == "epoch_ms" else 1), UTC)
    if _ZONED.fullmatch(text):
        return _read_zoned(text)
    found = _CLOCK.fullmatch(text) or _DIGITS.fullmatch(text)
    try:
        if found:
            parts = {name: int(part) for name, part in found.groupdict().items() if part and name != "s"}
            day = (parts["y"], parts["m"], parts["d"])
            return datetime(*day, parts.get("H", 0), parts.get("M", 0), parts.get("S", 0), tzinfo=zone)
    except ValueError:
        pass
    raise Misfit("format", f"时间“{shown(text)}”读不懂，应如 2026-03-05 10:00:00")


def _now(options: Options, _around: Around) -> Run:
    out = options.get("out", "utc")
    if out in MOMENT_OUT:
        return lambda _value, scene: MOMENT_OUT[out](scene.now())
    if out in DATE_OUT:
        return lambda _value, scene: DATE_OUT[out](scene.now().astimezone(LOCAL).date())
    raise BadOptions(f"没有“{out}”这种时间格式")


def _format_list() -> dict[str, Any]:
    return {
        "type": "array",
        "title": "接受的格式",
        "x-title-en": "Accepted formats",
        "description": "不选则为年在前的几种；日/月 与 月/日 不要同时选",
        "x-description-en": "None chosen: those with the year first. Choose only one of day/month and month/day.",
        "uniqueItems": True,
        "items": {"type": "string", **worded(_DATE_TITLES)},
    }


_DATE_OUT_TITLES: dict[str, Words] = {
    **{name: name for name in DATE_OUT},
    "date": ("数据库的日期", "The database's own date"),
}

TIME_STEPS: dict[str, TransformInfo] = {
    "date": TransformInfo(
        "日期", "Date", _date, "one",
        options_of(
            formats=_format_list(),
            out=choice("写成", "Written as", _DATE_OUT_TITLES, "YYYY-MM-DD"),
            long=text_option(
                "“长期”写成", "‘Without end’ as", description="如 长期 或 2099-12-31；不填则遇到即不接受",
                **{"x-description-en": "Such as 长期 or 2099-12-31; empty: not accepted"},
            ),
        ),
        "按所列格式读取日期，再写成另一种格式", "Read by the formats named, written in another",
    ),
    "moment": TransformInfo(
        "日期时间", "Moment", _moment, "one",
        options_of(
            zone=choice(
                "没有时区的按", "Without a zone it is", {"local": ("北京时间", "Beijing time"), "utc": "UTC"}, "local",
            ),
            number=choice(
                "数字表示", "A number means",
                {"": ("不接受", "Not accepted"), "epoch": ("秒数", "Seconds"), "epoch_ms": ("毫秒数", "Milliseconds")}, "",
            ),
            out=choice("写成", "Written as", _MOMENT_TITLES, "utc"),
        ),
        "读取日期时间，换算时区", "Read a moment, change its zone",
    ),
    "now": TransformInfo(
        "当前时间", "Now", _now, "none",
        options_of(out=choice("写成", "Written as", {**_MOMENT_TITLES, **_DATE_OUT_TITLES}, "utc")),
    ),
}  # fmt: skip


__all__ = ["DATE_FORMATS", "DATE_OUT", "MOMENT_OUT", "TIME_STEPS", "USUAL_FORMATS", "Scene"]
