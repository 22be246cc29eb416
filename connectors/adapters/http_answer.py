"""What an answer of a department's HTTP system means: taken, refused, or to be tried again; set without code.

Guarantees: only what was said to be success is success: a page of HTML with status 200, an answer without the agreed field
or with another value is not. What is wrong with everything (sign-in, address, overload) is never blamed on one record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.adapters.http_door import Said
from connectors.adapters.http_sign_in import NotSignedIn
from connectors.adapters.port import Refusal
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.mapping.paths import BadPath, found, parsed

_BUSY = (408, 425, 429)
_EVERYBODYS = {
    403: "对方不允许我们做这件事，请对方为我们的账号授权",
    404: "对方没有这个地址，请核对路径",
    405: "对方的这个地址不接受这种请求方法，请核对方法和路径",
    407: "中间的代理要求登录",
    421: "对方的服务器不认识这个主机名",
}


def read_json(said: Said) -> Any:
    """The value of an answer, decimal numbers as Decimal. Raises AdapterUnavailable with what came instead."""
    if is_page(said):
        raise AdapterUnavailable(
            f"对方答复 {said.status}，但内容是一个网页，不是 JSON（多半是登录页、错误页或网关提示）：{page_title(said)}"
        )
    try:
        return json.loads(said.text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise AdapterUnavailable(
            f"对方答复 {said.status}，但内容不是有效的 JSON：{said.excerpt(80) or '（空）'}"
        ) from error


def _no_constant(written: str) -> Any:
    raise ValueError(written)


def is_page(said: Said) -> bool:
    """Whether it is a page for people."""
    return (
        said.media_type in ("text/html", "application/xhtml+xml")
        or said.body[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))
    )  # fmt: skip


def page_title(said: Said) -> str:
    """What a page calls itself, for a person."""
    text = said.text[:20_000]
    _, opened, rest = text.partition("<title>")
    title = rest.partition("</title>")[0] if opened else said.excerpt(80)
    return " ".join(title.split())[:80] or "（没有标题）"


@dataclass(frozen=True, slots=True)
class Verdicts:
    """When an answer is success: by status, and by a field of its JSON where one is agreed."""

    codes: tuple[tuple[int, int], ...] = ((200, 299),)
    already: tuple[tuple[int, int], ...] = ()  # statuses that mean: that is here already
    field: str = ""
    good: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    message: str = ""

    def judge(self, said: Said, now: float) -> Refusal | None:
        """None: taken. Raises AdapterUnavailable (NotSignedIn) when it is not this record's fault."""
        if within(said.status, self.already):
            return None
        if within(said.status, self.codes):
            return self._judge_field(said)
        refuse_for_all(said, now)
        if said.status < 400:
            raise AdapterUnavailable(
                f"对方的答复 {said.status} 不在约定的成功状态之内，不能算作成功：{said.excerpt(80)}"
            )
        cause = (
            "too_big" if said.status in (413, 414, 431) else "duplicate" if said.status == 409 else "answer"
        )
        return Refusal(cause, f"对方拒收（答复 {said.status}）：{self._words(said)}")

    def _judge_field(self, said: Said) -> Refusal | None:
        if not self.field:
            if is_page(said):
                read_json(said)
            return None
        answer = read_json(said)
        value = found(answer, self.field) if isinstance(answer, Mapping) else None
        if value is None:
            raise AdapterUnavailable(
                f"对方答复 {said.status}，但没有约定的字段“{self.field}”，不能算作成功：{said.excerpt(80)}"
            )
        written = as_written(value)
        if written in self.good:
            return None
        if written in self.busy:
            raise AdapterUnavailable(f"对方说现在不能接收（{self.field} = {written}）：{self._words(said)}")
        return Refusal("answer", f"对方拒收（{self.field} = {written[:40]}）：{self._words(said)}")

    def _words(self, said: Said) -> str:
        """What the other side gives as its reason."""
        if not said.body or is_page(said):
            return page_title(said) if said.body else "没有说明原因"
        try:
            answer = read_json(said)
        except AdapterUnavailable:
            return said.excerpt()
        paths = (self.message,) if self.message else ("message", "msg", "error", "detail", "title")
        told = (found(answer, path) for path in paths) if isinstance(answer, Mapping) else ()
        return next((str(one)[:200] for one in told if isinstance(one, str) and one.strip()), said.excerpt())


def refuse_for_all(said: Said, now: float) -> None:
    """Raise AdapterUnavailable for a status that says nothing about the one record."""
    status = said.status
    if 300 <= status < 400:
        target = said.headers.get("location", "").partition("?")[0][:200]
        raise AdapterUnavailable(
            f"对方要求转到 {target or '别处'}（答复 {status}），连接器不跟随转向。请把地址改为最终地址。"
        )
    if status == 401:
        raise NotSignedIn("对方不接受我们的登录信息（答复 401）。请核对登录方式和秘密。")
    if status in _EVERYBODYS:
        raise AdapterUnavailable(f"{_EVERYBODYS[status]}（答复 {status}）。")
    if status in _BUSY or status >= 500:
        words = f"对方的系统出错或太忙（答复 {status}）。数据没有丢失，稍后会再试。"
        raise AdapterUnavailable(words, retry_after=said.retry_after(now))


def as_written(value: Any) -> str:
    """A value of JSON as an administrator writes it in a setting."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(value).strip().lower()


def read_codes(written: str, title: str) -> tuple[tuple[int, int], ...]:
    """'200-299, 409' as ranges. Raises Misconfigured."""
    ranges = []
    for part in filter(None, (one.strip() for one in written.replace("，", ",").split(","))):
        low, _, high = part.partition("-")
        if not low.isdecimal() or not (high or low).isdecimal():
            raise Misconfigured(f"“{title}”应写成状态码，例如 200-299 或 200,201。")
        ranges.append((int(low), int(high or low)))
    return tuple(ranges)


def within(status: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    """Whether a status is in one of these ranges."""
    return any(low <= status <= high for low, high in ranges)


def read_values(written: str) -> frozenset[str]:
    """'0, true' as the values that a field may have."""
    return frozenset(
        one.strip().lower() for one in written.replace("，", ",").split(",") if one.strip()
    )  # fmt: skip


def read_path(written: str, title: str) -> str:
    """A path into an answer. Raises Misconfigured."""
    try:
        if written:
            parsed(written)
    except BadPath as error:
        raise Misconfigured(f"“{title}”：{error}。") from error
    return written


def read_verdicts(place: Mapping[str, Any]) -> Verdicts:
    """What a flow's settings say of success."""
    return Verdicts(
        read_codes(place["success_codes"], "成功的状态码") or ((200, 299),),
        read_codes(place["already_codes"], "表示“已有”的状态码"),
        read_path(place["success_field"], "成功字段"),
        read_values(place["success_values"]),
        read_values(place["busy_values"]),
        read_path(place["message_field"], "原因字段"),
    )
