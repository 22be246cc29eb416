"""What each role may do with reconciling. A department's user sees its own lines and differences only."""

from __future__ import annotations

_LOOK = ("can_list", "can_show", "can_export")

RECONCILING: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {"ReconciliationView": (*_LOOK, "can_run", "can_settle")},
    "supervisor": {"ReconciliationView": _LOOK},
    "overseer": {"ReconciliationView": (*_LOOK, "can_run")},
}
