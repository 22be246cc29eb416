"""Print the part of requirements.lock that some extras need, hashes included.

Run by an interpreter that has the whole lock and the project itself installed: what needs what is read from there.
Guarantees: nothing is printed that is not in the lock; a needed package that is not in it is an error.

    python deploy/pick_requirements.py hub
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
PROJECT = "shenguan-hub"


def needed(extras: Iterable[str]) -> set[str]:
    """Names of everything that the project with these extras pulls in."""
    found: set[str] = set()
    asked: set[tuple[str, str]] = set()
    waiting = [(PROJECT, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in asked:
            continue
        asked.add((name, extra))
        found.add(name)
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                child = canonicalize_name(requirement.name)
                waiting += [(child, wanted) for wanted in ("", *requirement.extras)]
    return found - {PROJECT}


def locked() -> dict[str, str]:
    """The lock's entries by name, each with its hashes as it stands."""
    entries = re.split(r"\n(?=\S)", LOCK.read_text().strip())
    return {canonicalize_name(re.split(r"[=\[ ;]", entry, maxsplit=1)[0]): entry for entry in entries}


def main(extras: list[str]) -> int:
    """Print, or say what is missing."""
    entries, names = locked(), needed(extras)
    if missing := sorted(names - entries.keys()):
        sys.stderr.write(f"not in {LOCK.name}: {', '.join(missing)}\n")
        return 1
    sys.stdout.write("".join(f"{entries[name]}\n" for name in sorted(names)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
