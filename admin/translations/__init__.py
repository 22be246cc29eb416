"""What pages say in other languages than Chinese."""

from __future__ import annotations

from pathlib import Path


def compiled_file(language: str) -> Path:
    """Where the compiled catalogue of a language stands."""
    return Path(__file__).parent / language / "LC_MESSAGES" / "messages.mo"
