"""A connector document made ready to run at a department: its adapters, its version, its timetable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connectors.adapters import Adapter, Outside, open_adapter
from connectors.department.config import ConnectorConfig
from connectors.department.document_config import secrets_of
from connectors.department.figures import Figures
from connectors.department.mapped import MappedSystem
from connectors.department.mapped_state import MappedState
from connectors.department.timetable import Bucket, Timetable
from connectors.errors import Misconfigured
from schemas import canonical
from schemas.connector.document import ConnectorDocument, Flow, document_to


@dataclass(frozen=True)
class OpenMapped:
    """What the program works with."""

    document: ConnectorDocument
    system: MappedSystem
    version: str
    timetable: Timetable
    bucket: Bucket
    figures: Figures


def open_mapped(config: ConnectorConfig, state: MappedState, clock: Callable[[], datetime]) -> OpenMapped:
    """Everything of `config.document`. Raises Misconfigured."""
    document = config.document
    if document is None:
        raise Misconfigured("设置文件中没有线路（flows）。")
    endpoints = {one.name: one for one in document.endpoints}

    def opener(flow: Flow) -> Adapter:
        endpoint = endpoints.get(flow.endpoint)
        if endpoint is None:
            raise Misconfigured(f"线路“{flow.name}”所用的系统“{flow.endpoint}”不存在。")
        outside = Outside(
            secrets=secrets_of(endpoint, config.base),
            base=config.base,
            absolute_paths=True,
            loopback_allowed=True,  # the machine is the department's own
            clock=clock,
        )
        return open_adapter(endpoint, flow, outside)

    figures = Figures(clock)
    system = MappedSystem(document, state, opener, figures, clock, base=config.evidence)
    running = document.running
    return OpenMapped(
        document, system, version_of(document), Timetable(running), Bucket(running.rate_per_minute), figures
    )


def version_of(document: ConnectorDocument) -> str:
    """Another text for every other content."""
    return hashlib.sha256(canonical(document_to(document))).hexdigest()[:16]
