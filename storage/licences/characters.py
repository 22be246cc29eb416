"""Which characters may be printed at all, before any font is asked.

Guarantees: what `clean` hands back has only characters that are seen as they stand, one after the other, plus spaces and
newlines. Dropped: zero width spaces and joiners, word joiner, byte order mark, soft hyphen (nothing is seen of them).
Refused, each named: control characters, bidirectional marks, variation selectors (they ask for another shape than the one
we would print), combining marks, emoji sequences' parts, surrogates, private and unassigned ones, invisible fillers.
"""

from __future__ import annotations

import unicodedata

from storage.licences import fonts

LONGEST = 20_000
_DROPPED = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_FOLDED = str.maketrans({"\t": " ", "\r": "\n", "\u2028": "\n", "\u2029": "\n", "\x0b": "\n", "\x0c": "\n"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
_REFUSED = {
    "Cc": "控制字符",
    "Cf": "不可见的排版控制符",
    "Cs": "残缺的字符（代理码）",
    "Co": "私用区字符，各台电脑显示的都不一样",
    "Cn": "没有定义的字符",
    "Mn": "组合符号",
    "Mc": "组合符号",
    "Me": "组合符号",
}


def clean(text: str) -> str:
    """The text as it can be printed; what is refused stays in it, for `refused` to find."""
    if text.isascii() and text.isprintable():
        return text
    return text.replace("\r\n", "\n").translate(_FOLDED).translate(_DROPPED)


def refused(text: str) -> tuple[str, str] | None:
    """The first character that is not printed, and why, in words."""
    for one in dict.fromkeys(text):
        if one == "\n":
            continue
        if one in _FILLERS:
            return one, "看不见的填充字符"
        if "\ufe00" <= one <= "\ufe0f" or "\U000e0100" <= one <= "\U000e01ef":
            return one, "字形选择符：它要求的是另一种字形，印不出来"
        why = _REFUSED.get(unicodedata.category(one))
        if why:
            return one, why
    return None


def in_one_line(text: str) -> str:
    """A stated use as it is drawn across a page: what cannot be printed becomes 〓, as typesetters mark a missing type."""
    seen = "".join(
        "〓" if refused(one) or fonts.glyph(one) is None else one for one in clean(text).replace("\n", " ")
    )
    return " ".join(seen.split())


def named(character: str) -> str:
    """A character in a sentence: itself where it can be seen, and its number."""
    seen = f"“{character}”" if unicodedata.category(character)[0] not in "CM" else "一个字符"
    return f"{seen}（U+{ord(character):04X}）"
