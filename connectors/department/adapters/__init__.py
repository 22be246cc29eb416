"""How a department's own system is reached: one port, several adapters, one contract suite that each passes."""

from __future__ import annotations

from connectors.department.adapters.folder import FolderAdapter
from connectors.department.adapters.port import AdapterUnavailable, Draft, OwnSystem
from connectors.department.adapters.table import TableAdapter
from connectors.department.config import ConnectorConfig

__all__ = ["AdapterUnavailable", "Draft", "FolderAdapter", "OwnSystem", "TableAdapter", "open_adapter"]


def open_adapter(config: ConnectorConfig) -> OwnSystem:
    """The adapter that the settings name, ready for use."""
    if config.adapter == "table":
        return TableAdapter(config.database, evidence=config.evidence)
    return FolderAdapter(config.folder)
