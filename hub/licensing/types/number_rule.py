"""Number rule 编号规则: how the numbers of a type are made, as one line like `JY{area}{yyyy}{seq:6}`.

Guarantees: pure; within one counter (type x issuer x `period`) two different sequence numbers never give the same
number, and a sequence that has run out of its digits is said, not widened in silence. A rule without {seq} makes no
numbers: each order must bring its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

LONGEST_RULE, LONGEST_NUMBER = 60, 100
_TOKEN = re.compile(r"\{([a-z]+)(?::([0-9]{1,2}))?\}")
_PLAIN = ("yyyy", "yy", "mm", "dd", "area", "issuer")
MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class NumberRule:
    """A rule, taken apart: plain words and tokens in order."""

    parts: tuple[tuple[str, str], ...]  # ('' or the piece, words)
    digits: int  # of {seq}; 0: there is none

    @property
    def counts(self) -> bool:
        """Whether it makes numbers by itself."""
        return self.digits > 0

    def period(self, on: date) -> str:
        """Which counter a number of this day comes from."""
        tokens = {piece for piece, _ in self.parts}
        if "dd" in tokens:
            return f"{on:%Y%m%d}"
        if "mm" in tokens:
            return f"{on:%Y%m}"
        return f"{on:%Y}" if tokens & {"yyyy", "yy"} else ""

    def number(self, seq: int, *, on: date, area: str, issuer: str) -> str:
        """The number with this sequence number. ValueError when it has more digits than the rule."""
        if not 1 <= seq < 10**self.digits:
            raise ValueError("the sequence has run out of its digits")
        said = {
            "yyyy": f"{on:%Y}",
            "yy": f"{on:%y}",
            "mm": f"{on:%m}",
            "dd": f"{on:%d}",
            "area": area,
            "issuer": issuer,
            "seq": f"{seq:0{self.digits}d}",
        }
        return "".join(said.get(piece, "") if piece else words for piece, words in self.parts)


def parse_number_rule(rule: str) -> NumberRule:
    """The rule. Raises ValueError with a Chinese sentence."""
    if not rule:
        return NumberRule((), 0)
    if len(rule) > LONGEST_RULE:
        raise ValueError(f"编号规则至多 {LONGEST_RULE} 字，现有 {len(rule)} 字。")
    if any(char.isspace() or not char.isprintable() for char in rule):
        raise ValueError("编号规则中不能有空格或看不见的字符。")
    parts: list[tuple[str, str]] = []
    at = 0
    for found in _TOKEN.finditer(rule):
        parts += _plain(rule[at : found.start()])
        parts.append(_token(found[1], found[2]))
        at = found.end()
    parts += _plain(rule[at:])
    tokens = [piece for piece, _ in parts if piece]
    if tokens.count("seq") > 1:
        raise ValueError("编号规则中只能有一个流水号 {seq:N}。")
    if ("mm" in tokens and not {"yyyy", "yy"} & set(tokens)) or ("dd" in tokens and "mm" not in tokens):
        raise ValueError("编号规则中有月（日）就要有年（月），否则明年会重号。")
    if "seq" not in tokens:
        raise ValueError("编号规则中没有流水号 {seq:N}。编号由颁证时逐个填写的，规则请留空。")
    digits = next(int(words) for piece, words in parts if piece == "seq")
    return NumberRule(tuple(parts), digits)


def number_rule_fault(rule: str) -> str | None:
    """What is wrong with a rule, or None."""
    try:
        parse_number_rule(rule)
    except ValueError as error:
        return str(error)
    return None


def example(rule: str, *, issuer: str = "11370100MB00000194", area: str = "990101", on: date) -> str:
    """The first number that a rule gives; empty for a rule without a sequence, or that cannot be read."""
    try:
        parsed = parse_number_rule(rule)
    except ValueError:
        return ""
    return parsed.number(1, on=on, area=area, issuer=issuer) if parsed.counts else ""


def _plain(words: str) -> list[tuple[str, str]]:
    if "{" in words or "}" in words:
        known = "{yyyy} {yy} {mm} {dd} {area} {issuer} {seq:6}"
        raise ValueError(f"编号规则中的“{words[:20]}”读不出来。花括号里只能写：{known}。")
    return [("", words)] if words else []


def _token(piece: str, digits: str | None) -> tuple[str, str]:
    if piece in _PLAIN and digits is None:
        return piece, ""
    if piece == "seq" and digits is not None and 1 <= int(digits) <= MOST_DIGITS:
        return piece, str(int(digits))
    if piece == "seq":
        raise ValueError(f"流水号要写明位数，1 到 {MOST_DIGITS} 位，如 {{seq:6}}。")
    raise ValueError(
        f"编号规则中没有“{{{piece}}}”这一项。可用：{{yyyy}} {{yy}} {{mm}} {{dd}} {{area}} {{issuer}} {{seq:6}}。"
    )
