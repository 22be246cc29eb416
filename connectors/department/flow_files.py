"""The files that the records of one flow name, through the adapter that collected them.

Guarantees: where the other side is away, the drafts that name files wait, and it is not asked again for each of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO

from connectors.adapters.port import Adapter, NoFile, NotReady
from connectors.department.adapters.port import Fetch, NotYet
from connectors.errors import ConnectorError
from schemas.connector.document import Flow

FILES_AT = "files_at"  # the setting of a flow's place, whatever its kind
AGAIN_S = 5.0


class FlowFiles:
    """One flow's. Opens nothing before a file is asked for."""

    def __init__(self, flow: Flow, adapter: Callable[[Flow], Adapter]) -> None:
        self._flow, self._adapter = flow, adapter
        self._away: tuple[float, str] = (0.0, "")

    @property
    def fetch(self) -> Fetch | None:
        """None: the flow does not say where files are."""
        return self._fetch if str(self._flow.place.get(FILES_AT) or "").strip() else None

    def _fetch(self, name: str, into: IO[bytes], most: int) -> None:
        until, words = self._away
        if time.monotonic() < until:
            raise NotYet(words)
        try:
            self._adapter(self._flow).fetch_file(name, into, most)
        except NoFile:
            raise
        except NotReady as error:
            raise NotYet(error.message) from error
        except Exception as error:  # whatever an adapter does not foresee counts as being away
            said = error.message if isinstance(error, ConnectorError) else f"{type(error).__name__}：{error}"
            self._away = (time.monotonic() + AGAIN_S, f"线路“{self._flow.name}”的佐证文件暂时取不到：{said}")
            raise NotYet(self._away[1][:500]) from error
