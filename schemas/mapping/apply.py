"""Running a mapping that was compiled, record by record.

Guarantees: `apply` never raises, whatever the record is, and never changes it; either all records that a record becomes are
made, or none and every fault is named. Bounded: 10,000 records and 1 MiB out of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from schemas.mapping.paths import ITEM, NUMBER, parsed
from schemas.mapping.results import FieldFault, FieldOutcome, Mapped, Misfit, shown
from schemas.mapping.step import Run, Scene, is_empty

MAX_RECORDS = 10_000
MAX_RESULT_BYTES = 1024 * 1024
MAX_FAULTS = 100
_SCALARS = (str, int, float, bool)

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """What of a field rule is asked while it runs."""

    target: str
    title: str  # as it is called in sentences
    sources: tuple[str, ...]
    required: bool
    otherwise: Any
    any_of: bool  # one of its sources is enough


@dataclass(frozen=True, slots=True)
class Field:
    """One field rule, ready to run."""

    rule: Rule
    name: str  # the key of the record that it stands under, or in
    put: Callable[[dict[str, Any], Any], None]
    key: Any  # its one source, where that is a plain key of the record
    nested: bool
    reads: tuple[Callable[[Record], Any], ...]
    steps: tuple[tuple[str, Run], ...]
    when: Callable[[Record], bool] | None

    @property
    def plain(self) -> bool:
        """Whether it only takes over the value of one key."""
        return self.key is not None and not (self.steps or self.when or self.rule.required or self.nested)

    def value(self, scene: Scene) -> Any:
        """The value of this field. Raises Misfit."""
        if self.when and not self.when(scene.names(None)):
            return self.rule.otherwise
        value = self.start(scene)
        for title, run in self.steps:
            try:
                value = run(value, scene)
            except Misfit as misfit:
                raise Misfit(misfit.cause, f"{title}：{misfit.words}") from None
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise Misfit("type", f"{title}：这个值用不了（{type(error).__name__}）") from None
        return value

    def start(self, scene: Scene) -> Any:
        """What the sources hold: one value, or a list of them."""
        if len(self.reads) == 1:
            return self.reads[0](scene.record)
        return [read(scene.record) for read in self.reads] or None


@dataclass(slots=True)
class Compiled:
    """A flow's mapping; may be used again and again."""

    fields: tuple[Field, ...]
    when: Callable[[Record], bool] | None
    each: Callable[[Record], Any] | None
    clock: Callable[[], datetime]
    columns: frozenset[str] = frozenset()  # that every record has, be they empty; without one, a fault
    _blank: dict[str, Any] = field(init=False)
    _plain: tuple[tuple[str, str], ...] = field(init=False)
    _worked: tuple[Field, ...] = field(init=False)

    def __post_init__(self) -> None:
        flat = [one for one in self.fields if not one.nested]
        self._blank = dict.fromkeys(one.name for one in flat)
        self._plain = tuple((one.name, one.key) for one in self.fields if one.plain)
        self._worked = tuple(one for one in self.fields if not one.plain)

    def apply(self, record: Record, *, explain: bool = False) -> Mapped:
        """What becomes of one record."""
        scene = Scene(record, self.clock)
        try:
            if not isinstance(record, Mapping):
                raise Misfit("type", "记录应为字段名到值的对象")
            if self.each is None:
                return self._alone(scene, explain)
            return self._several(scene, self.each(record) or [], explain)
        except Misfit as misfit:
            return Mapped(faults=(FieldFault("", misfit.cause, misfit.words),))
        except RecursionError:
            return Mapped(faults=(FieldFault("", "too_big", "记录嵌套太深"),))

    def _alone(self, scene: Scene, explain: bool) -> Mapped:
        if self.when and not self.when(scene.names(None)):
            return Mapped(skipped=True)
        faults: list[FieldFault] = []
        made = self._made(scene, faults)
        fields = self._explained(scene.record, faults) if explain else ()
        if not faults and _size(made, MAX_RESULT_BYTES) > MAX_RESULT_BYTES:
            raise Misfit("too_big", "映射的结果超过 1 MiB")
        return Mapped(
            () if faults else (made,), False, tuple(faults), tuple(dict.fromkeys(scene.unmapped)), fields
        )

    def _several(self, scene: Scene, items: list[Any], explain: bool) -> Mapped:
        """One record for every element, under its own condition."""
        if len(items) > MAX_RECORDS:
            raise Misfit("too_big", f"一条消息对应 {len(items)} 条记录，最多 {MAX_RECORDS} 条")
        faults: list[FieldFault] = []
        records: list[dict[str, Any]] = []
        outcomes: tuple[FieldOutcome, ...] = ()
        size = 0
        for number, item in enumerate(items, 1):
            here = Scene(
                {**scene.record, ITEM: item, NUMBER: number}, self.clock, scene.unmapped, scene.spent
            )
            if self.when and not self.when(here.names(None)):
                continue
            mine: list[FieldFault] = []
            made = self._made(here, mine)
            if explain and not outcomes:
                outcomes = self._explained(here.record, mine)
            faults += [FieldFault(f.target, f.cause, f"第 {number} 项：{f.words}", f.value) for f in mine]
            records.append(made)
            size += _size(made, MAX_RESULT_BYTES)
            if size > MAX_RESULT_BYTES:
                raise Misfit("too_big", "映射的结果超过 1 MiB")
            if len(faults) >= MAX_FAULTS:
                break
        unmapped = tuple(dict.fromkeys(scene.unmapped))
        return Mapped(
            () if faults else tuple(records), not (records or faults), tuple(faults), unmapped, outcomes
        )

    def _made(self, scene: Scene, faults: list[FieldFault]) -> dict[str, Any]:
        made = self._blank.copy()
        get = scene.record.get
        if not self.columns <= scene.record.keys():
            faults += self._renamed(scene.record)
        gone = {one.target for one in faults}
        for target, key in self._plain:
            made[target] = get(key)
        for one in self._worked:
            if gone and one.rule.target in gone:
                continue
            try:
                value = one.value(scene)
                if one.rule.required and is_empty(value):
                    raise Misfit("missing", _missing(one, scene))
            except Misfit as misfit:
                words = f"“{one.rule.title}”{misfit.words}"
                faults.append(FieldFault(one.rule.target, misfit.cause, words, _held(one, scene)))
            else:
                if one.nested:
                    one.put(made, value)
                else:
                    made[one.name] = value
        return made

    def _renamed(self, record: Record) -> list[FieldFault]:
        """A column that is no more would otherwise be an empty field, and nobody would know."""
        found = []
        for one in self.fields:
            keys = [str(parsed(path)[0]) for path in one.rule.sources]
            gone = [key for key in keys if key in self.columns and key not in record]
            if gone and (len(gone) == len(keys) or not one.rule.any_of):
                words = f"“{one.rule.title}”的来源“{'”、“'.join(gone)}”已不在记录中，可能已改名或删除，请核对后修改映射"
                found.append(FieldFault(one.rule.target, "missing", words))
        return found

    def _explained(self, record: Record, faults: list[FieldFault]) -> tuple[FieldOutcome, ...]:
        """Field by field, with what the sources held."""
        words = {fault.target: fault.words for fault in faults}
        outcomes, spent = [], [0]
        for one in self.fields:
            scene = Scene(record, self.clock, spent=spent)
            sources = tuple(
                (path, read(record)) for path, read in zip(one.rule.sources, one.reads, strict=True)
            )
            try:
                value = one.value(scene)
            except Misfit:
                value = None
            outcomes.append(FieldOutcome(one.rule.target, value, sources, words.get(one.rule.target, "")))
        return tuple(outcomes)


def _missing(one: Field, scene: Scene) -> str:
    if one.when and not one.when(scene.names(None)):
        return "必填，条件不成立时却为空"
    sources = "、".join(one.rule.sources)
    return f"必填，来源 {shown(sources)} 却没有值" if sources else "必填，却没有值"


def _held(one: Field, scene: Scene) -> Any:
    """What its sources held, for the fault; of something long the beginning."""
    value = one.start(scene)
    return value if value is None or isinstance(value, int | float) else shown(value)


def _size(record: Mapping[str, Any], most: int) -> int:
    """About how many bytes this is as JSON; stops counting above `most`."""
    total = 0
    for value in record.values():
        total += 3 * len(value) if value.__class__ is str else _size_of(value, most, 0)
    if total <= most:  # three bytes a character are the most that it can be
        return total
    return _size_of(record, most, 0)


def _size_of(value: Any, most: int, depth: int = 0) -> int:
    """About how many bytes this is as JSON; stops counting above `most`."""
    if isinstance(value, str):
        return len(value) if value.isascii() else 3 * len(value)
    if value is None or isinstance(value, _SCALARS):
        return 8
    if depth > 30:
        raise Misfit("too_big", "映射的结果嵌套太深")
    total = 0
    if isinstance(value, Mapping):
        for key, one in value.items():
            total += len(str(key)) + _size_of(one, most, depth + 1)
            if total > most:
                break
    elif isinstance(value, list | tuple):
        for one in value:
            total += 2 + _size_of(one, most, depth + 1)
            if total > most:
                break
    elif isinstance(value, date):
        return 25
    else:
        return len(str(value))
    return total
