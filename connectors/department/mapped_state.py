"""What a connector with mappings has to remember: messages that are held, drafts set aside, refusals, places, origins.

Guarantees: what was refused is written down in the same transaction in which the place moves past it; a held message keeps
its bytes until it is delivered or given up. Somebody else (the hub's tables, a file) is told of refusals from here, later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from connectors.department.adapters.port import Held
from connectors.department.events import Signed, instant
from connectors.department.state_tables import kind_and_day
from connectors.department.store import Store

PLACE = "place."


class Refused(NamedTuple):
    """One record that could not be mapped, taken or sent. `state`: 'open', 'taken' (it went through later)."""

    flow: str
    ref: str
    direction: str
    cause: str
    words: str
    faults: Sequence[Mapping[str, Any]] = ()
    record: Mapping[str, Any] | None = None
    state: str = "open"
    times: int = 1
    at: str = ""


class HeldMessage(NamedTuple):
    """A verified message that could not be handed over as it is."""

    event_id: str
    value: bytes
    flow: str
    tries: int


class Aside(NamedTuple):
    """A draft that waits, for a file of evidence or for the broker, and holds up nothing."""

    flow: str
    ref: str
    nr: int
    fields: Mapping[str, Any]
    record: Mapping[str, Any]


class MappedState:
    """Works on the tables of a connector's state. Every method is a transaction."""

    def __init__(self, db: Store) -> None:
        self._db = db

    # Out

    def note_held(self, held: Sequence[tuple[Held, bytes]], version: str) -> None:
        """These were not handed over; tried again with another version, or when somebody asks."""
        now = _now()
        with self._db.transaction():
            self._db.executemany(
                """INSERT INTO held (event_id, value, flow, cause, version, held_at) VALUES (?, ?, ?, ?, ?, ?)
                   ON CONFLICT (event_id) DO UPDATE SET flow = excluded.flow, cause = excluded.cause,
                     version = excluded.version, tries = held.tries + 1, again = 0""",
                [(one.event_id, value, one.flow, one.cause, version, now) for one, value in held],
            )
            self._refuse(
                Refused(one.flow, one.event_id, "out", one.cause, one.words, one.faults) for one, _ in held
            )

    def held_to_try(self, version: str, limit: int) -> list[HeldMessage]:
        """What is held under another version, or was asked for; the oldest first."""
        rows = self._db.execute(
            "SELECT event_id, value, flow, tries FROM held WHERE version <> ? OR again = 1"
            " ORDER BY held_at, event_id LIMIT ?",
            (version, limit),
        )
        return [HeldMessage(row[0], bytes(row[1]), *row[2:]) for row in rows.fetchall()]

    def held(self) -> list[str]:
        """The ids of everything that is held."""
        return [row[0] for row in self._db.execute("SELECT event_id FROM held ORDER BY held_at").fetchall()]

    def oldest_held(self) -> tuple[int, str | None]:
        """How many are held, and since when the oldest."""
        row = self._db.execute("SELECT count(*), min(held_at) FROM held").fetchone()
        return row[0], row[1]

    def let_go(self, event_ids: Sequence[str], receipts: Iterable[Signed]) -> None:
        """These are handed over at last; what is now to be said of them is said until it is safe."""
        now = _now()
        with self._db.transaction():
            rows = [(one,) for one in event_ids]
            self._db.executemany("DELETE FROM held WHERE event_id = ?", rows)
            self._db.executemany("UPDATE refusals SET state = 'taken', told = 0 WHERE ref = ?", rows)
            self._db.executemany(
                """INSERT INTO said (event_id, case_no, value, signature, kid, said_at, event_type, day, nr, again)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING""",
                [(*one, now, *kind_and_day(one.value), number) for number, one in enumerate(receipts)],
            )

    def give_up(self, event_ids: Iterable[str]) -> None:
        """Somebody decided that these need not be handed over; nothing is signed for them."""
        with self._db.transaction():
            rows = [(one,) for one in event_ids]
            self._db.executemany("DELETE FROM held WHERE event_id = ?", rows)
            self._db.executemany("DELETE FROM refusals WHERE ref = ?", rows)

    # In

    def place(self, flow: str) -> str:
        """Behind what was dealt with of this flow."""
        row = self._db.execute("SELECT value FROM notes WHERE name = ?", (PLACE + flow,)).fetchone()
        return row[0] if row else ""

    def move(
        self,
        flow: str,
        place: str,
        refused: Iterable[Refused],
        aside: Sequence[Aside],
        skipped: Iterable[str] = (),
    ) -> None:
        """Everything up to `place` is said, refused, left out by a condition, or set aside here."""
        now = _now()
        with self._db.transaction():
            self._refuse(refused)
            self._db.executemany(
                "INSERT INTO aside VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    (one.flow, clean(one.ref), one.nr, _text(one.fields), _text(one.record), now)
                    for one in aside
                ],
            )
            settled = "UPDATE refusals SET state = ?, told = 0 WHERE flow = ? AND ref = ? AND state = 'again'"
            self._db.executemany(settled, [("waiting", flow, one.ref) for one in aside])
            self._db.executemany(settled, [("taken", flow, ref) for ref in skipped])
            self._db.execute(
                "INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (PLACE + flow, place),
            )

    def aside(self, limit: int) -> list[Aside]:
        """What was set aside, the oldest first."""
        rows = self._db.execute(
            "SELECT flow, ref, nr, fields, record FROM aside ORDER BY since, ref, nr LIMIT ?", (limit,)
        )
        return [
            Aside(row[0], row[1], row[2], json.loads(row[3]), json.loads(row[4])) for row in rows.fetchall()
        ]

    def note_said(self, said: Sequence[tuple[str, Aside]]) -> None:
        """These are safe under these event ids; what was open about them is settled."""
        with self._db.transaction():
            self._db.executemany(
                "INSERT INTO origins VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(event_id, one.flow, one.ref) for event_id, one in said],
            )
            self._db.executemany(
                "DELETE FROM aside WHERE flow = ? AND ref = ? AND nr = ?",
                [(one.flow, one.ref, one.nr) for _, one in said],
            )
            self._db.executemany(
                "UPDATE refusals SET state = 'taken', told = 0 WHERE flow = ? AND ref = ?",
                [(one.flow, one.ref) for _, one in said],
            )

    def note_refused(self, refused: Refused, aside: Aside | None = None) -> None:
        """One that was set aside, or one that the hub gave back."""
        with self._db.transaction():
            self._refuse([refused])
            if aside is not None:
                self._db.execute(
                    "DELETE FROM aside WHERE flow = ? AND ref = ? AND nr = ?",
                    (aside.flow, aside.ref, aside.nr),
                )

    def origin(self, event_id: str) -> tuple[str, str] | None:
        """From which flow and record a message of ours came."""
        row = self._db.execute("SELECT flow, ref FROM origins WHERE event_id = ?", (event_id,)).fetchone()
        return (row[0], row[1]) if row else None

    # Refusals

    def _refuse(self, refused: Iterable[Refused]) -> None:
        now = _now()
        self._db.executemany(
            """INSERT INTO refusals (flow, ref, direction, cause, words, faults, record, at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (flow, ref) DO UPDATE SET cause = excluded.cause,
                 words = excluded.words, faults = excluded.faults, record = excluded.record, at = excluded.at,
                 times = refusals.times + 1, state = 'open', told = 0""",
            [
                (one.flow, clean(one.ref), one.direction, one.cause, clean(one.words), _text(list(one.faults)),
                 None if one.record is None else _text(one.record), now)
                for one in refused
            ],
        )  # fmt: skip

    def try_again(self, flow: str, ref: str) -> None:
        """Somebody asked."""
        with self._db.transaction():
            self._db.execute("UPDATE held SET again = 1 WHERE event_id = ?", (ref,))
            self._db.execute(
                "UPDATE refusals SET state = 'again' WHERE flow = ? AND ref = ? AND direction = 'in'"
                " AND record IS NOT NULL",
                (flow, ref),
            )

    def to_map_again(self, flow: str, limit: int) -> list[Refused]:
        """Records of this flow that somebody wants tried once more."""
        return self._refused("state = 'again' AND flow = ?", (flow, limit))

    def untold(self, limit: int) -> list[Refused]:
        """What nobody outside has been told of."""
        return self._refused("told = 0", (limit,))

    def note_told(self, told: Iterable[Refused]) -> None:
        """They know. What went through is forgotten."""
        rows = [(one.flow, one.ref, one.times, one.state) for one in told]
        with self._db.transaction():
            self._db.executemany(
                "UPDATE refusals SET told = 1 WHERE flow = ? AND ref = ? AND times = ? AND state = ?", rows
            )
            self._db.executemany(
                "DELETE FROM refusals WHERE flow = ? AND ref = ? AND state = 'taken' AND told = 1",
                [row[:2] for row in rows],
            )

    def _refused(self, condition: str, values: Sequence[Any]) -> list[Refused]:
        rows = self._db.execute(
            "SELECT flow, ref, direction, cause, words, faults, record, state, times, at FROM refusals"  # noqa: S608
            f" WHERE {condition} ORDER BY at, ref LIMIT ?",
            values,
        )
        return [
            Refused(
                row[0], row[1], row[2], row[3], row[4],
                json.loads(row[5]), json.loads(row[6]) if row[6] else None, row[7], row[8], row[9],
            )
            for row in rows.fetchall()
        ]  # fmt: skip


def clean(text: str) -> str:
    """Without what no database keeps: NUL, and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def cleaned(value: Any) -> Any:
    """The same for whatever JSON can say; what it cannot, as text."""
    return json.loads(clean(_text(value)).replace("\\u0000", ""))


def _text(value: Any) -> str:
    return clean(json.dumps(value, ensure_ascii=False, default=str))


def _now() -> str:
    return instant(datetime.now(UTC))
