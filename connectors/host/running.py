"""One version of a connector, opened to run on the host: its document, secrets, signature and everything made of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from psycopg_pool import ConnectionPool
from sqlalchemy import Engine

from connectors.adapters import Adapter, Outside, open_adapter
from connectors.department.collecting import Collecting
from connectors.department.config import ConnectorConfig
from connectors.department.count import Counter
from connectors.department.document_config import secrets_of
from connectors.department.evidence import Evidence
from connectors.department.figures import Figures
from connectors.department.mapped import MappedSystem
from connectors.department.open_mapped import version_of
from connectors.department.parts import Parts
from connectors.department.receive import Receiver
from connectors.department.send import Sender
from connectors.department.state import State
from connectors.department.timetable import Bucket, Timetable
from connectors.department.trust import Trust
from connectors.errors import Misconfigured
from connectors.host.evidence_in import IntoStore
from connectors.host.facts import Facts, document_of
from connectors.host.publisher import SharedPublisher
from connectors.host.settings import HostConfig
from hub.connecting.keep_secrets import opened_secrets
from hub.joining.custodial_key import signer_for
from schemas.connector.document import ConnectorDocument, Endpoint, Faults, Flow
from storage.signing import Signer

CHANNEL = "hosted"
STALE_S = 60.0  # how long a key is used before it is asked for again


@dataclass(frozen=True)
class Shared:
    """What all lanes of a host use."""

    config: HostConfig
    engine: Engine
    pool: ConnectionPool[Any]
    publisher: SharedPublisher
    trust: Trust
    figures: dict[str, Figures] = field(default_factory=dict)

    def figures_of(self, code: str) -> Figures:
        """They outlive a change of version."""
        return self.figures.setdefault(code, Figures(self.config.desk.clock))


@dataclass
class Running:
    """As of `facts`."""

    facts: Facts
    parts: Parts
    receiver: Receiver
    sender: Sender
    counter: Counter
    system: MappedSystem
    timetable: Timetable
    bucket: Bucket
    signs_at: float = field(default_factory=time.monotonic)

    @property
    def collecting(self) -> Collecting:
        """What brings the department's statements."""
        return self.system.collecting

    def signs(self, shared: Shared) -> bool:
        """Whether the key in hand is the one in force; asked for now and then. Raises Conflict where none is."""
        if time.monotonic() - self.signs_at > STALE_S:
            with shared.engine.connect() as tx:
                kid = signer_for(tx, self.facts.department, shared.config.desk, channel=CHANNEL).kid
            self.signs_at = time.monotonic()
            return kid == self.parts.signer.kid
        return True

    def close(self) -> None:
        """Let go of every endpoint."""
        self.system.close()


def load(facts: Facts, state: State, shared: Shared) -> Running:
    """Everything anew. Raises Misconfigured, or what the hub says where it does not sign for this department."""
    config = shared.config
    with shared.engine.connect() as tx:
        try:
            document = document_of(tx, facts.code, facts.version)
        except Faults as error:
            raise Misconfigured(f"连接器内容有误：{error}") from error
        secrets = opened_secrets(tx, config.desk, facts.code, document)
        signer = signer_for(tx, facts.department, config.desk, channel=CHANNEL)
    clock = config.desk.clock

    def opener(flow: Flow) -> Adapter:
        return open_endpoint(config, document, flow.endpoint, flow, secrets)

    figures = shared.figures_of(facts.code)
    system = MappedSystem(document, state.mapped, opener, figures, clock)
    parts = Parts(
        config=own_config(config, facts.department),
        signer=cast(Signer, signer),
        trust=shared.trust,
        state=state,
        adapter=system,
        producer=shared.publisher,
        clock=clock,
        version=version_of(document),
    )
    running = document.running
    way = IntoStore(shared.engine, config.intake, facts.department)
    evidence = Evidence(way, None, from_folder=False)
    return Running(
        facts, parts, Receiver(parts), Sender(parts, evidence), Counter(parts), system,
        Timetable(running), Bucket(running.rate_per_minute),
    )  # fmt: skip


def own_config(config: HostConfig, department: str) -> ConnectorConfig:
    """The department's names; it has no file, no folder and no key here."""
    return ConnectorConfig(
        department, config.desk.area, Path(), Path(), trust_bundle="", bus=None, adapter="mapped"
    )


def open_endpoint(
    config: HostConfig,
    document: ConnectorDocument,
    name: str,
    flow: Flow | None,
    secrets: Mapping[str, Mapping[str, str]],
    *,
    sandbox: bool = False,
) -> Adapter:
    """An endpoint's adapter, within what a connector on the hub's machine may reach."""
    endpoint = next((one for one in document.endpoints if one.name == name), None)
    if endpoint is None:
        raise Misconfigured(f"没有名为“{name}”的接口。")
    folder = config.folder / document.code
    folder.mkdir(parents=True, exist_ok=True)
    outside = Outside(
        secrets=_secrets(endpoint, folder, secrets.get(name, {})),
        base=folder,
        loopback_allowed=config.loopback_allowed,
        private_allowed=config.private_allowed,
        closed=config.closed,
        sandbox=sandbox,
        clock=config.desk.clock,
    )
    return open_adapter(endpoint, flow, outside)


def _secrets(endpoint: Endpoint, folder: Path, opened: Mapping[str, str]) -> dict[str, str]:
    """Sealed ones as they were opened; a file is looked for in the connector's own folder alone."""
    found = {name: value for name, value in opened.items() if endpoint.secrets.get(name) == "sealed"}
    others = {name: where for name, where in endpoint.secrets.items() if name not in found}
    for name, where in others.items():
        path = (folder / where.removeprefix("file:")).resolve()
        if where == "sealed":
            raise Misconfigured(
                f"系统“{endpoint.name}”还没有填写 {name}（地址改过时要重新填写），请在“秘密”中填写。"
            )
        if where.startswith("file:") and not path.is_relative_to(folder.resolve()):
            raise Misconfigured(f"系统“{endpoint.name}”的 {name} 应是连接器文件夹内的文件。")
        if where.startswith("env:") and not where.startswith("env:SHENGUAN_SECRET_"):
            raise Misconfigured(
                f"系统“{endpoint.name}”的 {name} 在中心运行时只能取自以 SHENGUAN_SECRET_ 开头的环境变量。"
            )
    return found | secrets_of(Endpoint(endpoint.name, endpoint.kind, {}, others), folder)
