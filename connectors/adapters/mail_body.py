"""What stands in a mail: records as text for people, masked unless set otherwise, and as an attachment."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.adapters.http_body import Unwritable, json_bytes
from connectors.formats import Unwritable as UnwritableFile
from connectors.formats import Writing, write_file
from schemas.mapping.masking import masked

MOST_RECORDS = 50
MOST_CHARS = 200


def table(records: Sequence[Mapping[str, Any]], *, unmasked: bool) -> str:
    """Every record as lines of field and value; beyond fifty only their number."""
    shown = [
        "\n".join([f"第 {number} 条", *_lines(record if unmasked else masked(record))])
        for number, record in enumerate(records[:MOST_RECORDS], start=1)
    ]
    if len(records) > MOST_RECORDS:
        shown.append(f"其余 {len(records) - MOST_RECORDS} 条见附件。")
    return "\n\n".join(shown)


def _lines(record: Mapping[str, Any]) -> list[str]:
    return [f"  {_plain(name)}：{_plain(value)}" for name, value in record.items()]


def _plain(value: Any) -> str:
    if value is None:
        return ""
    text = json_bytes(value).decode() if isinstance(value, Mapping | list | tuple) else str(value)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= MOST_CHARS else text[:MOST_CHARS] + "…"


def attachment(records: Sequence[Mapping[str, Any]], kind: str, name: str) -> tuple[bytes, str, str]:
    """Its bytes, its subtype, its file name. Raises Unwritable."""
    if kind == "json":
        return json_bytes(list(records)), "json", f"{name}.json"
    columns = list(dict.fromkeys(field for record in records for field in record))
    file = io.BytesIO()
    try:
        write_file(file, "csv", columns, records, Writing())
    except UnwritableFile as error:
        raise Unwritable(error.message.rstrip("。")) from error
    return file.getvalue(), "csv", f"{name}.csv"
