"""The other side of an adapter, real, as the contract suite handles it: the department's own hands on its own system."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from connectors.adapters.port import Adapter, Layer, Outgoing

#: The fields of the suite's records; every value is text or None. `id` is the key.
FIELDS = ("id", "name", "amount", "day", "note")
#: What a counterpart can be opened with: the wrong password or token; a table, folder or topic that is not there.
Trouble = Literal["secret", "place"]
Record = dict[str, str | None]


def record(number: int, **other: str | None) -> Record:
    """A record as the contract delivers and collects it."""
    made: Record = {
        "id": f"k-{number:05d}",
        "name": f"示范县青禾饮食有限公司第{number}店",
        "amount": f"{number}.50",
        "day": "2026-11-21",
        "note": "准予餐饮服务经营",
    }
    return made | other


def outgoing(one: Record) -> Outgoing:
    """The record, as it is handed over."""
    assert one["id"] is not None
    return Outgoing(one["id"], f"c-{one['id']}", one)


def as_text(found: Mapping[str, Any], *, tells_null: bool = True) -> Record:
    """What an adapter or the other side gave, as the suite compares it: the suite's fields, as text."""
    text = {name: None if found.get(name) is None else str(found[name]) for name in FIELDS}
    return text if tells_null else {name: value or None for name, value in text.items()}


class Counterpart(ABC):
    """One department's system of one kind. A test module brings it as the fixture `counterpart`."""

    #: The layer of a check at which each trouble shows; a trouble that this kind cannot have is left out.
    fails_at: Mapping[Literal["secret", "place", "away"], Layer] = {
        "away": "tcp",
        "secret": "sign_in",
        "place": "shape",
    }
    #: Values that must never be seen in any sentence.
    secrets: Sequence[str] = ()
    #: Whether an empty text and nothing at all are two things over there.
    tells_null = True

    @abstractmethod
    def open(self, *, out: bool = True, trouble: Trouble | None = None, sandbox: bool = False) -> Adapter:
        """A new adapter, for delivering or (`out=False`) collecting; what is delivered is not what is collected."""

    @abstractmethod
    def there(self, *, sandbox: bool = False) -> list[Record]:
        """What was delivered and can be seen over there now, in the order in which it came, by `as_text`; once per key."""

    def put(self, records: Sequence[Record], *, sandbox: bool = False) -> None:
        """The department writes what it wants to say."""
        raise NotImplementedError

    def put_file(self, name: str, content: bytes) -> None:
        """The department lays a file where its records' files are, below the folder or path 'files'."""
        raise NotImplementedError

    def settled(self) -> dict[str, tuple[bool, str]]:
        """For each record that was settled, by id: whether it is shown as said, and the words shown beside it."""
        raise NotImplementedError

    def refused_record(self, number: int) -> Record:
        """A record that the other side will not take, though it is well."""
        raise NotImplementedError

    @abstractmethod
    def break_it(self) -> None:
        """From now on it is away, for those who are connected as well."""

    @abstractmethod
    def mend_it(self) -> None:
        """It is back, with everything that was in it."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Put everything away."""
