"""The documentation's pages, and the examples marked in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
_EXAMPLE = re.compile(r"<!-- example: (?P<name>\S+) -->\n```\w*\n(?P<body>.*?)\n```\n", re.DOTALL)


def examples(page: Path) -> dict[str, str]:
    """Marked blocks by name, exactly as they stand, without the last line's end."""
    found = [(match["name"], match["body"]) for match in _EXAMPLE.finditer(page.read_text())]
    assert len({name for name, _ in found}) == len(found), "an example's name is used twice"
    return dict(found)
