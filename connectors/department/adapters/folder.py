"""The adapter for a department that works with files: packages (corrected ones too) come into `inbox/`, what is told beside
them into `licences/`, `withdrawals/`, `forwarded/`, `advice/`; what it drops into `outbox/` is sent and then moved to
`sent/`, or to `problems/` with a text beside it that says why. Evidence that a draft names is looked for in `evidence/`.

Guarantees: a file that we write is complete from the moment it is seen; a file in `outbox/` is taken when it is complete
JSON, and called a problem only after it has stopped growing. UTF-8 (with or without BOM) and GB18030 are read. Only
`*.json` is touched. What a file says goes by the beginning of its name (`_PREFIXES`); every other is a finding.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.department.adapters.port import AdapterUnavailable, Draft, Kind
from connectors.department.judge import Advice, Forwarded, LicenceChanged, Package, Told, Withdrawn
from schemas import MAX_MESSAGE_BYTES, Malformed, loads

SETTLED_S = 2.0
_UNSAFE = re.compile(r"[^\w.\-]+")
_PREFIXES: Mapping[str, Kind] = {
    "claim": "claimed",
    "return": "returned",
    "close": "closed",
    "plan": "plan",
    "rectify": "rectification",
    "enforce": "enforcement",
    "credit": "credit",
    "withdraw": "withdrawal",
    "advice": "advice",
    "supply": "supply",
}
#: Where each kind of message is put.
_FOLDERS: Mapping[type[Told], str] = {
    LicenceChanged: "licences",
    Withdrawn: "withdrawals",
    Forwarded: "forwarded",
    Advice: "advice",
}


class FolderAdapter:
    """One exchange folder."""

    def __init__(self, root: Path, *, wall: Callable[[], float] = time.time) -> None:
        self._root = root
        self._wall = wall
        self.inbox, self.outbox = root / "inbox", root / "outbox"
        self.told_folders = {kind: root / name for kind, name in _FOLDERS.items()}
        self.evidence = root / "evidence"
        self.sent_folder, self.problems = root / "sent", root / "problems"
        self._index = root / ".sent-as"  # event id -> name of the file that said it

    def prepare(self) -> None:
        """Make the folders."""
        with _watch(self._root):
            for folder in (
                self.inbox, *self.told_folders.values(), self.evidence, self.outbox, self.sent_folder,
                self.problems, self._index,
            ):  # fmt: skip
                folder.mkdir(parents=True, exist_ok=True)

    def deliver(self, packages: Sequence[Package]) -> None:
        """One file per package, with the exact bytes that the hub signed."""
        self._write(self.inbox, packages)

    def changed(self, changes: Sequence[LicenceChanged]) -> None:
        """One file per change; `change.at` inside says in which order they happened."""
        self.told(changes)

    def told(self, messages: Sequence[Told]) -> None:
        """One file per message, in the folder of its kind."""
        for kind in {type(message) for message in messages}:
            self._write(self.told_folders[kind], [one for one in messages if type(one) is kind])

    def _write(self, folder: Path, messages: Sequence[Package | Told]) -> None:
        with _watch(self._root):
            for message in messages:
                target = folder / f"{safe_name(message.case_no)}__{message.event_id}.json"
                if not target.exists():
                    write_whole(target, message.value)
            _sync_folder(folder)

    def drafts(self, limit: int) -> list[Draft]:
        """Complete files, oldest first."""
        with _watch(self._root):
            found = sorted((path for path in self.outbox.iterdir() if _ours(path)), key=_age_key)
            drafts = (self._draft(path) for path in found)
            return [draft for draft, _ in zip((one for one in drafts if one), range(limit), strict=False)]

    def sent(self, answered: Sequence[tuple[Draft, str]]) -> None:
        """Move the file to `sent/` and remember under which id it went."""
        with _watch(self._root):
            for draft, event_id in answered:
                moved = self._move(draft.ref, self.sent_folder)
                if moved is not None:
                    write_whole(self._index / event_id, moved.name.encode())

    def refused(self, draft: Draft, words: str) -> None:
        """Move the file to `problems/`, with the reason beside it."""
        with _watch(self._root):
            self._explain(self._move(draft.ref, self.problems), words)

    def returned(self, event_id: str | None, words: str) -> bool:
        """The hub could not take it: back from `sent/` to `problems/`."""
        with _watch(self._root):
            note = self._index / safe_name(event_id or "-")
            if not note.is_file():
                return False
            name = note.read_text("utf-8")
            moved = _move(self.sent_folder / name, self.problems)
            self._explain(moved or self.problems / name, words)
            return True

    def close(self) -> None:
        """Nothing is held open."""

    def _draft(self, path: Path) -> Draft | None:
        kind = _kind(path.name)
        try:
            facts = path.stat()
            settled = self._wall() - facts.st_mtime >= SETTLED_S
            if facts.st_size > MAX_MESSAGE_BYTES:
                fault = f"文件有 {facts.st_size} 字节，超过 1 MiB 的上限"
                return Draft(path.name, kind, fault=fault) if settled else None
            fields = _parse(path.read_bytes())
        except FileNotFoundError:
            return None  # taken back meanwhile
        except Malformed as error:
            # Perhaps it is still being written: only a file that has stopped growing is a problem.
            return Draft(path.name, kind, fault=f"文件读不懂：{error}") if settled else None
        if not isinstance(fields, dict):
            return Draft(path.name, kind, fault="文件应为一个 JSON 对象，一个文件一条")
        return Draft(path.name, kind, fields, base=self.evidence)

    def _move(self, name: str, folder: Path) -> Path | None:
        return _move(self.outbox / name, folder)

    def _explain(self, moved: Path | None, words: str) -> None:
        if moved is not None:
            write_whole(moved.with_name(moved.name + ".txt"), (words + "\r\n").encode("utf-8-sig"))


def safe_name(text: str) -> str:
    """A file name from a number that others chose."""
    return _UNSAFE.sub("_", text).lstrip(".")[:100] or "_"


def write_whole(target: Path, data: bytes) -> None:
    """All of it under its name, or nothing."""
    fresh = target.with_name(f".{target.name}.tmp")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, target)


def _ours(path: Path) -> bool:
    return path.suffix.lower() == ".json" and not path.name.startswith((".", "~")) and path.is_file()


def _age_key(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except FileNotFoundError:
        return 0.0, path.name


def _kind(name: str) -> Kind:
    prefix, dash, _ = name.lower().partition("-")
    return _PREFIXES.get(prefix, "finding") if dash else "finding"


def _parse(raw: bytes) -> Any:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return loads(text)
    raise Malformed("既不是 UTF-8 也不是 GB18030 编码。")


def _move(path: Path, folder: Path) -> Path | None:
    target = folder / path.name
    number = 2
    while target.exists():
        target = folder / f"{path.stem}-{number}{path.suffix}"
        number += 1
    try:
        os.rename(path, target)
    except FileNotFoundError:
        return None  # moved before a crash, or taken back
    return target


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _watch(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AdapterUnavailable(f"交换文件夹 {root} 暂时不可用：{error.strerror or error}") from error
