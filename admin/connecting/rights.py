"""What each role may do with connectors. Whose department they are of is asked besides."""

from __future__ import annotations

#: Every right of ConnectorView: several views are guarded by it, and each must name them all.
CONNECTOR_RIGHTS = ("can_list", "can_show", "can_export", "can_edit", "can_run", "can_settle")
_LOOK: dict[str, tuple[str, ...]] = {"ConnectorView": ("can_list", "can_show", "can_export")}

CONNECTING: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {
        "ConnectorView": CONNECTOR_RIGHTS,
        "EnrolmentView": ("can_list", "can_edit"),
    },
    "supervisor": _LOOK,
    "overseer": {**_LOOK, "EnrolmentView": ("can_list",)},
}
