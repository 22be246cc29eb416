"""Both languages are whole, and the libraries we ship are what their publishers published."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from admin.translations import build

CATALOGUES = sorted(build.HERE.glob("*/LC_MESSAGES/*.po"))


def test_every_text_of_ours_has_an_english_one() -> None:
    """The English catalogue has each of our texts and no leftover, with the same placeholders."""
    with (build.HERE / "en" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = {message.id: message for message in read_po(file) if message.id}
    wanted = build.messages()
    assert sorted(wanted - catalogue.keys()) == []
    assert sorted(catalogue.keys() - wanted) == []
    for message in catalogue.values():
        assert message.string, message.id
        assert not list(message.check()), message.id


@pytest.mark.parametrize("po", CATALOGUES, ids=lambda po: po.parent.parent.name)
def test_the_compiled_catalogue_is_the_written_one(po: Path) -> None:
    """Nobody forgot `python -m admin.translations.build`."""
    assert po.with_suffix(".mo").read_bytes() == build.compiled(po)


def test_vendored_libraries_match_their_checksums() -> None:
    """`deploy/vendor_assets.py` finds every file as recorded."""
    script = build.HERE.parent.parent / "deploy" / "vendor_assets.py"
    assert subprocess.run([sys.executable, str(script)], check=False).returncode == 0
