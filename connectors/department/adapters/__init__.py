"""How a department's own system is reached: one port, several adapters, one contract suite that each passes."""

from __future__ import annotations

from connectors.department.adapters.folder import FolderAdapter
from connectors.department.adapters.port import Adapter, AdapterUnavailable, Draft
from connectors.department.adapters.table import TableAdapter
from connectors.department.config import ConnectorConfig

__all__ = ["Adapter", "AdapterUnavailable", "Draft", "FolderAdapter", "TableAdapter", "open_adapter"]


def open_adapter(config: ConnectorConfig) -> Adapter:
    """The adapter that the settings name, ready for use."""
    if config.adapter == "table":
        return TableAdapter(config.database, evidence=config.evidence)
    return FolderAdapter(config.folder)
