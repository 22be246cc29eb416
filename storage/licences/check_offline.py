"""Check a licence off-line: its file, a status list, and whom to trust; no database, no network.

Guarantees: `valid` is said only of a file that is whole and signed by a trusted certificate in force, whose place in a
fresh, signed list of the very address it names reads 0, and whose last day is not over. Without a list the answer is
`unchecked`: genuine, and nothing known of what became of it.
Does not know which files were given out: a genuine file is recognised by its signature alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hub.licensing.checking.make_status_lists import MEANINGS
from hub.licensing.ports import Inspection
from hub.workday import LOCAL
from storage.licences.inspect import look
from storage.licences.status_list import BadList, place_of, read_status_list
from storage.licences.trust_bundle import list_keys
from storage.signing import BadSignature

_UNKNOWN = "清单给出了本程序不认识的状态"


@dataclass(frozen=True, slots=True)
class Offline:
    """`outcome`: valid, unchecked, an ending of MEANINGS, or what is wrong with the file (Inspection.state)."""

    outcome: str
    sentence: str
    inspection: Inspection
    metadata: Mapping[str, Any]
    list_made_at: datetime | None = None


def check_offline(file: Path, trust_pem: str, status_list: str | None, *, now: datetime) -> Offline:
    """The answer. `status_list` is the text of a list as it is served."""
    looked = look(file, trust_pem)
    inspection, metadata = looked.inspection, looked.metadata
    if inspection.state != "intact":
        return Offline(inspection.state, inspection.why, inspection, metadata)
    made_at: datetime | None = None
    outcome, sentence = "unchecked", "文件真实、完整；没有给出状态清单，不知道现在是否仍然有效。"
    if status_list is not None:
        place = place_of(metadata)
        if place is None:
            sentence = "文件真实、完整；但其中没有写明状态清单的位置（例如加注件），请到公开核验页核验。"
        else:
            try:
                read = read_status_list(status_list, list_keys(trust_pem.encode()), at=now, address=place[1])
                value, made_at = read.value(place[0]), read.made_at
            except (BadSignature, BadList) as error:
                return Offline(
                    "unchecked", f"文件真实、完整；状态清单不能采信：{error}", inspection, metadata
                )
            outcome, words = MEANINGS.get(value, ("other", f"{_UNKNOWN} {value}"))
            sentence = f"文件真实、完整；状态清单：{words}。"
    ended = _last_day(metadata)
    if outcome in ("valid", "unchecked") and ended is not None and ended < now.astimezone(LOCAL).date():
        outcome, sentence = "expired", f"文件真实、完整；有效期已于 {ended} 届满。"
    return Offline(outcome, sentence, inspection, metadata, made_at)


def _last_day(metadata: Mapping[str, Any]) -> date | None:
    try:
        return date.fromisoformat(str(metadata.get("certificateValidateEnd", "")))
    except ValueError:
        return None
