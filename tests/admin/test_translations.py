"""Both languages are whole, and the libraries we ship are what their publishers published."""

from __future__ import annotations

import subprocess
import sys

import pytest

from admin.translations import build


def test_every_text_of_ours_has_an_english_one() -> None:
    """The English catalogue has each of our texts and no leftover, with the same placeholders."""
    catalogue = {message.id: message for message in build.written("en") if message.id}
    wanted = build.messages()
    assert sorted(wanted - catalogue.keys()) == []
    assert sorted(catalogue.keys() - wanted) == []
    for message in catalogue.values():
        assert message.string, message.id
        assert not list(message.check()), message.id


@pytest.mark.parametrize("language", build.LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(language: str) -> None:
    """Nobody forgot `python -m admin.translations.build`."""
    assert build.compiled_file(language).read_bytes() == build.compiled(language)


def test_vendored_libraries_match_their_checksums() -> None:
    """`deploy/vendor_assets.py` finds every file as recorded."""
    script = build.HERE.parent.parent / "deploy" / "vendor_assets.py"
    assert subprocess.run([sys.executable, str(script)], check=False).returncode == 0
