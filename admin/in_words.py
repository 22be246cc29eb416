"""In words: a sentence that is stored or made elsewhere, in the language of who reads it.

Adapters, mappings and the hub say what they say in Chinese, and so it is stored. What the catalogue has is known again, with
the values that stand in it, and said in English; anything else - what people wrote, names, data - stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache

from babel.messages.mofile import read_mo
from flask_babel import get_locale

from admin.translations import chinese, compiled_file
from hub.tracing.phrase import Phrase

_PLACE = re.compile(r"%\((\w+)\)[sd]")
#: A text of places with less than so much Chinese between them would be known in anything.
_LEAST = 2
#: What is wrong with a field, behind its name.
_ABOUT = re.compile("“([^”]*)”(.+)", re.DOTALL)
_QUOTED, _QUOTE = re.compile("“[^“”]*”"), re.compile("[“”]")
#: Longer texts are nobody's sentences.
_LONGEST = 2000
#: What sentences are joined by, what stands there in English, and how many of them have to be known.
_JOINTS = (("；", "; ", any), ("。", ". ", any), ("，", ", ", all), ("：", ": ", any), ("或", " or ", all))


def in_words(text: str) -> str:
    """What is said, in the reader's language. A Chinese reader reads it as it is."""
    if not str(get_locale() or "").startswith("en"):
        return str(text)
    if isinstance(text, Phrase) and text.parts:
        said = _catalogue().get(text.text) or text.text.replace("；", "; ")
        return said % {name: of_phrase(part) for name, part in text.parts.items()}
    return _known(str(text)) if chinese(text) and len(text) <= _LONGEST else text


def of_phrase(text: str) -> str:
    """The same of a phrase; any other text was written by somebody and stays as it is."""
    return in_words(text) if isinstance(text, Phrase) else text


@lru_cache(maxsize=4096)
def _known(text: str) -> str:
    """The text in English as far as it is known: as a whole, or else each of the sentences that it is joined of."""
    apart = _apart(text, "；", "; ", all)  # first: a place would take in what follows
    whole = apart if apart is not None else _recognised(text)
    if whole is not None:
        return whole
    about = _ABOUT.fullmatch(text)
    if about and (said := _known(about[2])) != about[2]:
        return f"“{about[1]}”: {said}"
    for joint, said, enough in _JOINTS:
        found = _apart(text, joint, said, enough)
        if found is not None:
            return found
    return text


def _apart(text: str, joint: str, said: str, enough: Callable[[Iterable[bool]], bool]) -> str | None:
    parts = [part for part in text.split(joint) if part]
    if not parts or parts == [text]:
        return None
    each = [_known(part) for part in parts]
    if not enough(one != part for one, part in zip(each, parts, strict=True)):
        return None
    return said.join(each) + (said.rstrip() if text.endswith(joint) else "")


def _recognised(text: str) -> str | None:
    """A sentence that the catalogue has, its full stop apart: where it is joined to others it may stand without one."""
    bare = text.removesuffix("。")
    for one, end in ((text, ""), (bare, "." if bare != text else ""), (f"{bare}。", "")):
        if (said := _looked_up(one)) is not None:
            return said + end if one != f"{text}。" else said.removesuffix(".")
    return None


def _looked_up(text: str) -> str | None:
    catalogue = _catalogue()
    if text in catalogue:
        return catalogue[text]
    for _, between, key in _templates():
        found = _pattern(key).fullmatch(text) if between in text else None
        # A place that takes in a quotation mark alone has begun in one name and ended in another.
        if found and not any(_QUOTE.search(_QUOTED.sub("", part)) for part in found.groups()):
            return catalogue[key] % {name: _part(part) for name, part in found.groupdict().items()}
    return None


def _part(text: str) -> str:
    """What stands in a place: a sentence itself, or data, of which several are set apart as English has it."""
    said = _known(text)
    return said if said != text else text.replace("、", ", ")


@cache
def _catalogue() -> Mapping[str, str]:
    with compiled_file("en").open("rb") as file:
        return {str(one.id): str(one.string) for one in read_mo(file) if one.id and one.string}


@cache
def _templates() -> list[tuple[int, str, str]]:
    """Texts with places, what is most certain first: how much of it is fixed, its longest fixed piece, the text."""
    found = []
    for key in _catalogue():
        pieces = _PLACE.split(key)
        fixed = [piece.replace("%%", "%") for piece in pieces[::2]]
        names = pieces[1::2]
        if names and len(set(names)) == len(names) and sum(map(chinese, "".join(fixed))) >= _LEAST:
            found.append((-len("".join(fixed)), max(fixed, key=len), key))
    return sorted(found)


@cache
def _pattern(key: str) -> re.Pattern[str]:
    pieces = _PLACE.split(key)
    pattern = re.escape(pieces[0].replace("%%", "%"))
    for name, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        pattern += f"(?P<{name}>.*?){re.escape(piece.replace('%%', '%'))}"
    return re.compile(pattern, re.DOTALL)
