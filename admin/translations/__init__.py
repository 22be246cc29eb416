"""What pages say in other languages than Chinese."""

from __future__ import annotations

from pathlib import Path


def chinese(text: str) -> bool:
    """Whether there is anything Chinese in it."""
    return any("\u3400" <= letter <= "\u9fff" for letter in text)


def compiled_file(language: str) -> Path:
    """Where the compiled catalogue of a language stands."""
    return Path(__file__).parent / language / "LC_MESSAGES" / "messages.mo"
