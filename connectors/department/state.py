"""The connector's own state: what came, what was answered, what could not be taken, which files are still to come.

Guarantees: a receipt that was once made keeps its bytes, so sending it again is a duplicate and never a second statement.
Holds no department data beyond what is needed for that; the packages themselves are with the department's own system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from connectors.bus import Message
from connectors.department.events import Signed, instant
from connectors.department.mapped_state import MappedState
from connectors.department.state_tables import kind_and_day, make_tables
from connectors.department.store import SqliteStore, Store

SINCE = "since"  # the note that says from when on messages are delivered; older ones are not
REWOUND = "rewound_to"  # the note that says since when everything is delivered again
_KEPT = 64 * 1024
_FILE_COLUMNS = ("material_id", "case_no", "name", "media_type", "href", "sha256", "size")


class Received(NamedTuple):
    """A message that came and is to be signed for, as receipts need to name it."""

    event_id: str
    push_id: str  # '': not a package
    case_no: str
    sha256: str
    event_type: str = "approval.decided.v1"
    day: str = ""  # local, of the message's `time`


class State:
    """One thread at a time. Every method is a transaction."""

    def __init__(self, where: Path | Store) -> None:
        self._db: Store = SqliteStore(where) if isinstance(where, Path) else where
        make_tables(self._db)
        self.mapped = MappedState(self._db)

    @property
    def db(self) -> Store:
        """The store itself, for what counts and for what is held."""
        return self._db

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def receipts_of(self, event_ids: Sequence[str]) -> dict[str, Signed]:
        """The receipts already made for these packages."""
        found: dict[str, Signed] = {}
        for start in range(0, len(event_ids), 500):
            part = event_ids[start : start + 500]
            marks = ",".join("?" * len(part))
            rows = self._db.execute(
                f"SELECT event_id, receipt_id, case_no, receipt, signature, kid FROM received WHERE event_id IN ({marks})",  # noqa: S608 - marks only
                part,
            )
            found |= {row[0]: Signed(*row[1:]) for row in rows}
        return found

    def note_received(
        self,
        packages: Iterable[tuple[Received, Signed]],
        files: Iterable[Mapping[str, Any]],
        asked: Iterable[tuple[str, Mapping[str, Any]]] = (),
    ) -> None:
        """These are delivered; their receipts stand, though not yet sent. Their files are wanted; counts were asked for."""
        now = instant(datetime.now(UTC))
        columns = ", ".join(_FILE_COLUMNS)
        names = ", ".join(f":{name}" for name in _FILE_COLUMNS)
        with self._db.transaction():
            self._db.executemany(
                """INSERT INTO received (event_id, push_id, case_no, sha256, event_type, day, received_at,
                     receipt_id, receipt, signature, kid, receipt_day) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                   ON CONFLICT DO NOTHING""",
                [(*got, now, s.event_id, s.value, s.signature, s.kid, _day(s.value)) for got, s in packages],
            )
            self._db.executemany(
                "INSERT INTO count_asked VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    (event_id, one["first_day"], one["last_day"], int(one["with_ids"]))
                    for event_id, one in asked
                ],
            )
            self._db.executemany(
                f"INSERT INTO files ({columns}) VALUES ({names}) ON CONFLICT DO NOTHING",  # noqa: S608 - our own names
                [dict(one) for one in files],
            )

    def note_receipted(self, event_ids: Iterable[str]) -> None:
        """The receipts of these packages are safe on the broker."""
        now = instant(datetime.now(UTC))
        with self._db.transaction():
            self._db.executemany(
                "UPDATE received SET receipted_at = ? WHERE event_id = ? AND receipted_at IS NULL",
                [(now, event_id) for event_id in event_ids],
            )

    def note_said(self, statements: Iterable[Signed]) -> None:
        """These findings, claims and returns are safe on the broker. Kept, so that a wiped broker can be told again."""
        now = instant(datetime.now(UTC))
        with self._db.transaction():
            self._db.executemany(
                """INSERT INTO said (event_id, case_no, value, signature, kid, said_at, event_type, day, nr)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO UPDATE SET again = 0""",
                [(*one, now, *kind_and_day(one.value), number) for number, one in enumerate(statements)],
            )

    def say_again(self, since: str | None = None) -> int:
        """Have everything said since then (RFC 3339, UTC) sent once more, the same bytes. Returns how many."""
        with self._db.transaction():
            done = self._db.execute("UPDATE said SET again = 1 WHERE said_at >= ?", (since or "",))
        return done.rowcount

    def to_say_again(self, limit: int) -> list[Signed]:
        """What waits to be sent once more, the oldest first."""
        rows = self._db.execute(
            "SELECT event_id, case_no, value, signature, kid FROM said WHERE again = 1 ORDER BY said_at, nr LIMIT ?",
            (limit,),
        )
        return [Signed(*row) for row in rows]

    def find(self, *, event_id: str | None = None, push_id: str | None = None) -> Received | None:
        """What came under this event id or push id. Of a push the first version: what is said of it goes by that one."""
        row = self._db.execute(
            "SELECT push_id FROM received WHERE event_id = ? OR push_id = ? LIMIT 1", (event_id, push_id)
        ).fetchone()
        if row is None:
            return None
        which, value = ("push_id", row[0]) if row[0] else ("event_id", event_id)
        found = self._db.execute(
            f"SELECT event_id, push_id, case_no, sha256, event_type, day FROM received WHERE {which} = ?"  # noqa: S608
            " ORDER BY event_type <> 'approval.decided.v1', received_at LIMIT 1",
            (value,),
        ).fetchone()
        return Received(*found)

    def deliver_again(self, since: str) -> int:
        """Whatever came since then (RFC 3339, UTC) shall be delivered once more when it is read again. Gives how many."""
        with self._db.transaction():
            done = self._db.execute("UPDATE received SET again = 1 WHERE received_at >= ?", (since,))
            self._db.execute(
                "INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (REWOUND, since),
            )
        return done.rowcount

    def wanted_again(self, event_ids: Iterable[str]) -> set[str]:
        """Which of these are to be delivered once more."""
        if self.note(REWOUND) is None:
            return set()
        question = "SELECT 1 FROM received WHERE event_id = ? AND again = 1"
        return {one for one in event_ids if self._db.execute(question, (one,)).fetchone()}

    def note_again(self, event_ids: Iterable[str]) -> None:
        """These were delivered once more."""
        with self._db.transaction():
            self._db.executemany(
                "UPDATE received SET again = 0 WHERE event_id = ?", [(one,) for one in event_ids]
            )

    def is_new(self) -> bool:
        """Nothing has ever come to this file."""
        return not self._db.execute("SELECT EXISTS (SELECT 1 FROM received)").fetchone()[0]

    def note_elsewhere(self, event_ids: Iterable[str]) -> None:
        """These were signed for before this file was there: by another machine, or in the hub's web inbox."""
        with self._db.transaction():
            self._db.executemany(
                "INSERT INTO elsewhere VALUES (?) ON CONFLICT DO NOTHING",
                [(event_id,) for event_id in event_ids],
            )

    def elsewhere(self, event_ids: Iterable[str]) -> set[str]:
        """Which of these were."""
        question = "SELECT 1 FROM elsewhere WHERE event_id = ?"
        return {one for one in event_ids if self._db.execute(question, (one,)).fetchone()}

    def note(self, name: str) -> str | None:
        """Something that is to be known after a restart."""
        row = self._db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def set_note(self, name: str, value: str) -> None:
        """Know it from now on; '' forgets it."""
        with self._db.transaction():
            if value:
                self._db.execute(
                    "INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    (name, value),
                )
            else:
                self._db.execute("DELETE FROM notes WHERE name = ?", (name,))

    def evidence(self, sha256: str) -> dict[str, Any] | None:
        """A file that the hub has, as a message names it."""
        row = self._db.execute(
            "SELECT name, sha256, size, media_type FROM evidence WHERE sha256 = ?", (sha256,)
        ).fetchone()
        return dict(zip(("name", "sha256", "size", "media_type"), row, strict=True)) if row else None

    def note_evidence(self, file: Mapping[str, Any]) -> None:
        """The hub has this file."""
        values = (file["sha256"], file["name"], file["size"], file["media_type"], instant(datetime.now(UTC)))
        with self._db.transaction():
            self._db.execute("INSERT INTO evidence VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)

    def quarantine(self, message: Message, sha256: str, *, cause: str, words: str) -> None:
        """Set a message aside with its cause."""
        with self._db.transaction():
            self._db.execute(
                "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    message.topic,
                    message.partition,
                    message.offset,
                    sha256,
                    cause,
                    words,
                    message.value[:_KEPT],
                    message.header("signature"),
                    instant(datetime.now(UTC)),
                ),
            )

    def note_problem(self, event_id: str, data: Mapping[str, Any]) -> bool:
        """The hub could not take a message of ours. True when this is news."""
        with self._db.transaction():
            done = self._db.execute(
                "INSERT INTO returned_problems VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (event_id, data["event_id"], data["cause"], data["message"], data["expected"], data["topic"],
                 data["partition"], data["offset"], data["sha256"], data["received_at"]),
            )  # fmt: skip
        return done.rowcount > 0

    def counts(self) -> dict[str, int]:
        """How much of everything there is."""
        asked = {
            "received": "SELECT count(*) FROM received WHERE push_id <> ''",
            "licence_changes": "SELECT count(*) FROM received WHERE event_type = 'licence.changed.v1'",
            "told": "SELECT count(*) FROM received WHERE push_id = ''",
            "unreceipted": "SELECT count(*) FROM received WHERE receipted_at IS NULL",
            "quarantined": "SELECT count(*) FROM quarantine",
            "returned_problems": "SELECT count(*) FROM returned_problems",
            "files_wanted": "SELECT count(*) FROM files WHERE stored_as IS NULL",
        }
        return {name: self._db.execute(question).fetchone()[0] for name, question in asked.items()}

    def unsent_receipts(self, limit: int = 500) -> dict[str, Signed]:
        """Receipts that were made and may not have been sent: a crash came between."""
        rows = self._db.execute(
            "SELECT event_id, receipt_id, case_no, receipt, signature, kid FROM received WHERE receipted_at IS NULL LIMIT ?",
            (limit,),
        )
        return {row[0]: Signed(*row[1:]) for row in rows}

    def wanted_file(self, now: float) -> dict[str, Any] | None:
        """One file to fetch now."""
        cursor = self._db.execute(
            f"SELECT {', '.join(_FILE_COLUMNS)}, attempts FROM files WHERE stored_as IS NULL AND next_try <= ?"  # noqa: S608
            " ORDER BY next_try LIMIT 1",
            (now,),
        )
        row = cursor.fetchone()
        return dict(zip((*_FILE_COLUMNS, "attempts"), row, strict=True)) if row else None

    def file_stored(self, material_id: str, where: str) -> None:
        """The file is here, complete and as promised."""
        with self._db.transaction():
            self._db.execute(
                "UPDATE files SET stored_as = ?, problem = NULL WHERE material_id = ?", (where, material_id)
            )

    def file_failed(self, material_id: str, words: str, next_try: float) -> None:
        """Not yet; again later."""
        with self._db.transaction():
            self._db.execute(
                "UPDATE files SET attempts = attempts + 1, problem = ?, next_try = ? WHERE material_id = ?",
                (words, next_try, material_id),
            )


def _day(value: bytes) -> str:
    return kind_and_day(value)[1]
