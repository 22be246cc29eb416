"""What every page about connectors has at hand: titles of kinds and messages, and where mappings are edited."""

from __future__ import annotations

from typing import Any

from admin.connecting.titles import (
    compare_url,
    export_url,
    import_url,
    kind_title,
    mapping_url,
    message_title,
)
from admin.pages import ExportedList


class ConnectingScreen(ExportedList):
    """A page about connectors."""

    def page(self, template: str, **values: Any) -> str:
        """Render a template of ours inside the frame."""
        at_hand = {
            "kind_title": kind_title,
            "message_title": message_title,
            "mapping_url": mapping_url,
            "import_url": import_url,
            "compare_url": compare_url,
            "export_url": export_url,
        }
        return super().page(template, **at_hand, **values)
