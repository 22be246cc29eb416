"""What keeps an expression from taking time or memory without end: its text is looked at before it is compiled.

Measured with the library as it is: `map` and `filter` copy their result for every element (10,000 elements: 4 s), nested
ones multiply, what is handed to a function of ours is copied whole each time (10 s for one `exists`), 20,000 terms overflow
the stack and end the process, a regular expression is compiled at every evaluation. So: short, flat, one macro never inside
another, macros only over fields, few '+', short literal patterns; and when it runs, the copies that the text allows over
what it is about to read are counted first. The worst that a search over random expressions found: 0.3 s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from schemas.mapping.results import Misfit

MAX_SOURCE, MAX_TOKENS, MAX_DEPTH = 1000, 300, 12
MAX_MACROS, MAX_SUMS, MAX_PATTERNS, MAX_PATTERN = 3, 40, 2, 60
MAX_BOUND, MAX_LIST = 256 * 1024, 1000
#: Units (see Weight) that one evaluation may copy, by a rough count.
MAX_WORK = 4_000_000
#: ... that all expressions may copy for one record ...
MAX_WORK_IN_ALL = 20_000_000
#: ... and units that one may hold at once.
MAX_MADE = 200_000
#: The names that an expression may use: the record, what the step before made, the element of `each`, its number.
WHOLE = "r, as far as it is bound"
SCENE = frozenset({"r", "value", "item", "no"})
MACROS = frozenset({"map", "filter", "all", "exists", "exists_one"})
_TOKEN = re.compile(
    r"""(?P<blank>\s+)|(?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")"""
    r"""|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<number>[0-9][0-9A-Za-z.]*)|(?P<sign>[^\sA-Za-z_0-9'"`])|(?P<odd>.)""",
    re.DOTALL,
)
#: A text without anything escaped in it.
_PLAIN = re.compile(r"""(["'])([^"'\\]*)\1""")


@dataclass(slots=True)
class Weight:
    """How much is bound. Units cost about the same to copy: a value is one, and every 64 characters of a text."""

    characters: int = 0
    units: int = 0
    longest: int = 0  # of the lists
    names: dict[str, int] = field(
        default_factory=dict
    )  # units of 'value', 'r', and of each of its fields as 'r.field'

    def text(self, length: int) -> None:
        """One more scalar. Raises Misfit as soon as it is too much."""
        self.characters += length + 8
        self.units += 1 + length // 64
        if self.characters > MAX_BOUND:
            raise Misfit("too_big", f"表达式要读的内容太大，最多 {MAX_BOUND // 1024} KiB")

    def list(self, length: int) -> None:
        """One more list. Raises Misfit where it is too long."""
        self.units += 1
        self.longest = max(self.longest, length)
        if length > MAX_LIST:
            raise Misfit("too_big", f"表达式要读的列表有 {length} 项，最多 {MAX_LIST} 项")


@dataclass(frozen=True, slots=True)
class Macro:
    """One `map`, `filter` ...: how often its body names the element in hand, and what of the scene it names."""

    name: str
    elements: int
    scene: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the text of an expression tells."""

    macros: tuple[Macro, ...] = ()
    sums: int = 0
    scene: tuple[str, ...] = ()  # what it names of the scene, as often as it does: 'value', 'r', 'r.field'
    bound: frozenset[str] = frozenset()  # names that its macros bind

    @property
    def fields(self) -> frozenset[str] | None:
        """Of `r`, the fields that are read; None = the whole of it."""
        return None if "r" in self.scene else frozenset(one[2:] for one in self.scene if one.startswith("r."))

    def work(self, weight: Weight) -> int:
        """Units that evaluating over this much copies. Raises Misfit where that would take too long, or make too much."""
        length, held = max(weight.longest, 1), weight.units
        work = (self.sums + 1) * sum(weight.names.get(one, 1) for one in self.scene)
        for macro in self.macros:
            made = length * sum(weight.names.get(one, 1) for one in macro.scene) + macro.elements * held
            work += (self.sums + 1) * made
            if macro.name == "map":
                held = made
            if macro.name in ("map", "filter"):
                work += length * held  # what was gathered so far is copied for every element
        if work > MAX_WORK or held > MAX_MADE:
            raise Misfit("too_big", "表达式对这条记录要做的计算太多，请缩短列表或拆成几步")
        return work + weight.units


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def inspected(source: str) -> Inspection | str:
    """What is known of an expression by its text; a sentence where it may not run."""
    if not source.strip():
        return "表达式不能为空"
    if len(source) > MAX_SOURCE:
        return f"表达式太长，最多 {MAX_SOURCE} 个字符"
    tokens = [_Token(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(source)]
    tokens = [token for token in tokens if token.kind != "blank"]
    if _hides(tokens):
        return "表达式中不能有注释、三引号、反引号、没有结束的引号，或 r、b 开头的文字"
    signs = [token.text for token in tokens if token.kind == "sign"]
    if len(tokens) > MAX_TOKENS:
        return f"表达式太复杂，最多 {MAX_TOKENS} 个词"
    if _depth(signs) > MAX_DEPTH:
        return f"表达式的括号套得太深，最多 {MAX_DEPTH} 层"
    if signs.count("+") > MAX_SUMS:
        return f"表达式中的加号太多，最多 {MAX_SUMS} 个"
    calls = _macro_calls(tokens)
    return (
        _fault_of_macros(tokens, calls)
        or _fault_of_patterns(tokens, calls)
        or Inspection(
            macros=tuple(_macro(tokens, begun, closed) for begun, closed in calls),
            sums=signs.count("+"),
            scene=tuple(_scene(tokens, SCENE)),
            bound=frozenset(_bound_names(tokens, calls)),
        )
    )


def _hides(tokens: list[_Token]) -> bool:
    """Whether something is written so that the library could read it otherwise than it is read here."""
    return any(
        one.kind == "odd"
        or (two.kind == "text" and (one.kind == "text" or one.text.lower() in ("r", "b", "rb", "br")))
        or one.text == two.text == "/"
        for one, two in pairwise([*tokens, _Token("", "")])
    )


def _depth(signs: list[str]) -> int:
    deepest = here = 0
    for sign in signs:
        if sign in "([{":
            here += 1
            deepest = max(deepest, here)
        elif sign in ")]}":
            here -= 1
    return deepest


def _macro_calls(tokens: list[_Token]) -> list[tuple[int, int]]:
    """Of every macro the place of its name and of its closing bracket."""
    calls = []
    for at, token in enumerate(tokens[:-1]):
        if (
            token.text in MACROS
            and token.kind == "name"
            and at
            and tokens[at - 1].text == "."
            and tokens[at + 1].text == "("
        ):
            calls.append((at, _closing(tokens, at + 1)))
    return calls


def _closing(tokens: list[_Token], opening: int) -> int:
    depth = 0
    for at in range(opening, len(tokens)):
        if tokens[at].kind == "sign":
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(tokens[at].text, 0)
        if depth == 0:
            return at
    return len(tokens)


def _fault_of_macros(tokens: list[_Token], calls: list[tuple[int, int]]) -> str:
    if len(calls) > MAX_MACROS:
        return f"表达式中的 map、filter、exists 等最多 {MAX_MACROS} 个"
    for begun, closed in calls:
        if any(begun < other < closed for other, _ in calls):
            return "map、filter、exists 等不能套在另一个里面"
        if not _over_a_field(tokens, begun - 1, {end: start for start, end in calls}):
            return "map、filter、exists 等只能用在字段上，如 r.materials.filter(...)"
    return ""


def _over_a_field(tokens: list[_Token], dot: int, ends: dict[int, int]) -> bool:
    """Whether what stands before this dot is a path of names and constant keys, or such a path with macros behind it."""
    at = dot - 1
    while at >= 0:
        if tokens[at].text == ")":
            if at not in ends:
                return False
            at = ends[at] - 2
            continue
        if tokens[at].text == "]":
            if at < 3 or tokens[at - 1].kind not in ("text", "number") or tokens[at - 2].text != "[":
                return False
            at -= 3
            if tokens[at].kind != "name" and tokens[at].text != "]":
                return False
            continue
        if tokens[at].kind != "name":
            return False
        if at == 0 or tokens[at - 1].text != ".":
            return True
        at -= 2
    return False


def _fault_of_patterns(tokens: list[_Token], calls: list[tuple[int, int]]) -> str:
    places = [at for at, token in enumerate(tokens) if token.kind == "name" and token.text == "matches"]
    if len(places) > MAX_PATTERNS:
        return f"matches 最多 {MAX_PATTERNS} 个"
    for at in places:
        if any(begun < at < closed for begun, closed in calls):
            return "matches 不能用在 map、filter、exists 等里面"
        pattern = tokens[at + 2].text if at + 2 < len(tokens) else ""
        ready = at + 3 < len(tokens) and tokens[at + 2].kind == "text" and tokens[at + 3].text == ")"
        if not ready or "{" in pattern or "\\p" in pattern or len(pattern) > MAX_PATTERN:
            return f"matches 的样式应为写明的文字，最多 {MAX_PATTERN} 个字符，不用 {{}} 次数"
    return ""


def _macro(tokens: list[_Token], begun: int, closed: int) -> Macro:
    body, element = tokens[begun + 3 : closed], tokens[begun + 2].text
    own = sum(1 for _ in _scene(body, frozenset({element})))
    return Macro(tokens[begun].text, own, tuple(_scene(body, SCENE - {element})))


def _scene(tokens: list[_Token], names: frozenset[str]) -> Iterator[str]:
    """What of these names is read, once for every time; of `r` the field, where it is written out."""
    for at, token in enumerate(tokens):
        if token.kind != "name" or token.text not in names or (at and tokens[at - 1].text == "."):
            continue
        following = [*tokens[at + 1 : at + 4], *[_Token("", "")] * 3]
        key = _PLAIN.fullmatch(following[1].text)
        if token.text != "r":
            yield token.text
        elif following[0].text == "." and following[1].kind == "name":
            yield f"r.{following[1].text}"
        elif key and (following[0].text, following[2].text) == ("[", "]"):
            yield f"r.{key[2]}"
        elif key and (following[0].text, following[2].text) == (
            ",",
            ")",
        ):  # get(r, "key"): hands over all that is bound
            yield from (f"r.{key[2]}", WHOLE)
        else:
            yield "r"


def _bound_names(tokens: list[_Token], calls: list[tuple[int, int]]) -> list[str]:
    return [tokens[begun + 2].text for begun, _ in calls if begun + 2 < len(tokens)]
