"""The catalogues: what pages say in English, and what Flask-AppBuilder lacks in Chinese.

Guarantees: `messages()` finds every text that our pages and code hand to gettext; `build` compiles all `.po` of a
language into one. Our own texts are Chinese in the source, so the English catalogue has all of them and the Chinese one
only foreign texts. Run `python -m admin.translations.build` after changing a `.po`; a test says when it was forgotten.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from admin.translations import compiled_file

HERE = Path(__file__).resolve().parent
LANGUAGES = ("en", "zh")
WHENEVER = datetime(2026, 1, 1, tzinfo=UTC)  # the same catalogue is the same bytes
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]


def messages() -> set[str]:
    """Every text of ours, and the names that reach gettext through a table."""
    from admin import accounts, cells, health, ledger_pages
    from admin.catalogue.choices import hub_texts
    from admin.connecting.mapping import offered
    from admin.licensing.types import design_words, type_told
    from admin.translations.sentences import sentences
    from hub import tracing
    from schemas import code_table

    folders = (
        (HERE.parent, {"_": None, "gettext": None, "lazy_gettext": None}),
        (Path(tracing.__file__).parent, {"phrase": None}),
    )
    found = {
        text
        for folder, keywords in folders
        for _file, _line, text, _comments, _context in extract_from_dir(folder, METHODS, keywords=keywords)
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
        | hub_texts()
        | design_words.hub_texts()
        | type_told.hub_texts()
        | offered.hub_texts()
        | sentences()
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
    "holder_code_type",
    "exercise_level",
    "inspection_way",
    "inspection_form",
    "double_random_result",
    "enforcement_result",
    "punish_type",
    "credit_kind",
    "rectification_result",
    "publicity",
    "missing_kind",
    "advice_kind",
    "advice_state",
    "finding_kind",
    "receipt_kind",
    "party_light",
)


def written(language: str) -> Catalog:
    """What all `.po` files of a language say together; each part of the pages keeps a file of its own."""
    whole = Catalog(locale=language)
    for po in sorted((HERE / language / "LC_MESSAGES").glob("*.po")):
        with po.open("rb") as file:
            for message in read_po(file, locale=language):
                if not message.id:
                    continue
                known = whole.get(message.id)
                if known is not None and known.string != message.string:
                    raise ValueError(f"{po.name}: {message.id!r} is translated in two ways")
                whole.add(message.id, message.string, flags=message.flags)
    return whole


def compiled(language: str) -> bytes:
    """The one `messages.mo` of a language."""
    catalogue = written(language)
    catalogue.creation_date = catalogue.revision_date = WHENEVER
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def build() -> None:
    """Compile every language."""
    for language in LANGUAGES:
        compiled_file(language).write_bytes(compiled(language))


if __name__ == "__main__":
    build()
