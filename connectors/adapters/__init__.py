"""How records reach a department's own system and come from it: one protocol (`port`), one module per kind of endpoint.

A module of a kind offers `open_adapter(endpoint, flow, outside) -> Adapter`; it is imported when a connector names its
kind, so that a department installs only what it uses. Others may add kinds by the entry point group `shenguan.adapters`.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter
from connectors.errors import Misconfigured
from schemas.connector.document import Endpoint, Flow

__all__ = ["KINDS", "Adapter", "Outside", "open_adapter"]

#: kind -> (module, what to install where it cannot be imported)
KINDS: dict[str, tuple[str, str]] = {
    "sql": ("connectors.adapters.sql", "connector-sql"),
    "up_tables": ("connectors.adapters.up_tables", "connector-sql"),
    "folder": ("connectors.adapters.folder", "connector"),
    "sftp": ("connectors.adapters.sftp", "connector-sftp"),
    "s3": ("connectors.adapters.s3", "connector-s3"),
    "http": ("connectors.adapters.http", "connector"),
    "kafka": ("connectors.adapters.kafka", "connector"),
    "mail": ("connectors.adapters.mail", "connector"),
}


def open_adapter(endpoint: Endpoint, flow: Flow | None, outside: Outside) -> Adapter:
    """The adapter of this endpoint for this flow; without one, only for `check`. Raises Misconfigured."""
    module, extra = KINDS.get(endpoint.kind, ("", ""))
    if not module:
        found = [one for one in entry_points(group="shenguan.adapters") if one.name == endpoint.kind]
        if not found:
            raise Misconfigured(f"没有“{endpoint.kind}”这种适配器，可用：{'、'.join(KINDS)}。")
        module = found[0].module
    try:
        opened = importlib.import_module(module)
    except ImportError as error:
        raise Misconfigured(
            f"适配器“{endpoint.kind}”所需的组件没有安装（{error.name}）。请执行 pip install 'shenguan-hub[{extra}]'。"
        ) from error
    adapter: Adapter = opened.open_adapter(endpoint, flow, outside)
    return adapter
