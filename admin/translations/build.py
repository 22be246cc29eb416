"""The catalogues: what pages say in English, and what Flask-AppBuilder lacks in Chinese.

Guarantees: `messages()` finds every text that our pages and code hand to gettext; `build` compiles each `.po` beside itself.
Our own texts are Chinese in the source, so the English catalogue has all of them and the Chinese one only foreign texts.
Run `python -m admin.translations.build` after changing a `.po`; a test says when it was forgotten.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

HERE = Path(__file__).resolve().parent
WHENEVER = datetime(2026, 1, 1, tzinfo=UTC)  # the same catalogue is the same bytes
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]


def messages() -> set[str]:
    """Every text of ours, and the names that reach gettext through a table."""
    from admin import accounts, cells, health, ledger_pages
    from schemas import code_table

    found = {
        text
        for _file, _line, text, _comments, _context in extract_from_dir(
            HERE.parent, METHODS, keywords={"_": None, "gettext": None, "lazy_gettext": None}
        )
        if isinstance(text, str) and any(ord(letter) > 0x2E80 for letter in text)
    }
    for table in TABLES:
        found |= set(code_table(table).values())
    for words in cells.WORDS.values():
        found |= {text for text, _tone in words.values()}
    return (
        found
        | set(accounts.ROLE_TITLES.values())
        | set(health.TITLES.values())
        | set(ledger_pages.ACTIONS.values())
    )


TABLES = (
    "push_state",
    "check_result",
    "handling",
    "licence_status",
    "party_kind",
    "quarantine_cause",
    "result_type",
    "item_type",
    "case_type",
)


def compiled(po: Path) -> bytes:
    """The `.mo` of a `.po`."""
    with po.open("rb") as file:
        catalogue = read_po(file, locale=po.parent.parent.name)
    catalogue.creation_date = catalogue.revision_date = WHENEVER
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def build() -> None:
    """Compile every catalogue."""
    for po in HERE.glob("*/LC_MESSAGES/*.po"):
        po.with_suffix(".mo").write_bytes(compiled(po))


if __name__ == "__main__":
    build()
