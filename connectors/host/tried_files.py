"""Evidence in a try: every file that a record names is got and looked at as it would be, and brought nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from connectors.department.adapters.port import Draft, NotYet
from connectors.department.evidence import InHand, files_in_hand, listed_files
from hub.errors import Rejected
from schemas.drafts.unfit import Unfit
from storage.intake.kinds import look


class TriedFiles:
    """An `EvidenceSource` that keeps nothing."""

    def named(self, written: Any, draft: Draft) -> list[dict[str, Any]]:
        """`files` as the message would name them. Raises Unfit, also for what would have to wait."""
        listed = listed_files(written)
        try:
            with ExitStack() as stack:
                found = files_in_hand(listed, draft, stack, from_folder=False)
                return [dict(one) if isinstance(one, Mapping) else _looked_at(found[one]) for one in listed]
        except NotYet as error:
            raise Unfit(str(error)) from error


def _looked_at(one: InHand) -> dict[str, Any]:
    try:
        media_type = look(one.file, one.name).kind.media_type
    except Rejected as error:
        raise Unfit(f"佐证文件 {one.name}：{error}") from error
    return {"name": one.name, "sha256": one.sha256, "size": one.size, "media_type": media_type}
