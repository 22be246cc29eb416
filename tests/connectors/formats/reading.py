"""Reading bytes as a file, in one line."""

from __future__ import annotations

import tempfile
from typing import Any

from connectors.formats import Reading, read_rows


def read(kind: str, content: bytes | str, **how: Any) -> list[Any]:
    """Every row: the record, or the words of its fault."""
    with tempfile.TemporaryFile() as file:
        file.write(content.encode() if isinstance(content, str) else content)
        return [fault or dict(record) for _, record, fault in read_rows(file, kind, Reading(**how))]
