"""What is wrong with a connector document: one fault at its place, and all of them as one refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place: 'flows[0].fields[3].steps[1]', and a sentence; in English too, where there is one."""

    at: str
    words: str
    words_en: str = ""


class Faults(ValueError):
    """Everything that is wrong with a document."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("；".join(f"{one.at}：{one.words}" if one.at else one.words for one in faults))
        self.faults = tuple(faults)
