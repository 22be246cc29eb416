"""One try of a version of a connector: its document, secrets, adapters and mappings, and how a record is judged.

Guarantees: nothing is said to the hub, nothing is settled or moved at the department; values that people see are masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, cast

from sqlalchemy import Engine

from connectors.adapters.port import Adapter, Incoming
from connectors.department.adapters.port import Draft, Kind
from connectors.department.flow_files import FlowFiles
from connectors.department.send import report_document
from connectors.errors import Misconfigured
from connectors.host import tried_packages
from connectors.host.facts import document_of
from connectors.host.job_desk import Job, Told
from connectors.host.running import open_endpoint, own_config
from connectors.host.settings import HostConfig
from connectors.host.tried_files import TriedFiles
from hub.connecting.keep_secrets import opened_secrets
from schemas import violations
from schemas.connector.document import ConnectorDocument, Faults, Flow
from schemas.drafts.forms import FORMS
from schemas.drafts.unfit import Unfit
from schemas.mapping import Compiled, compile_flow
from schemas.mapping.masking import masked

MOST_SAMPLED, MOST_TRIED = 50, 500
Result = tuple[dict[str, Any], str]


@dataclass(frozen=True)
class Try:
    """One job with what it works on."""

    config: HostConfig
    engine: Engine
    job: Job
    told: Told
    document: ConnectorDocument
    secrets: Mapping[str, Mapping[str, str]]

    def flow(self, name: str) -> Flow:
        """One of the version's flows."""
        found = next((one for one in self.document.flows if one.name == name), None)
        if found is None:
            raise Misconfigured(f"没有名为“{name}”的线路。")
        return found

    @contextmanager
    def adapter(self, flow: Flow | None, endpoint: str = "", *, sandbox: bool = False) -> Iterator[Adapter]:
        """Its adapter, closed afterwards."""
        name = flow.endpoint if flow else endpoint
        opened = open_endpoint(self.config, self.document, name, flow, self.secrets, sandbox=sandbox)
        try:
            yield opened
        finally:
            opened.close()

    def mapping(self, flow: Flow) -> Compiled:
        """Its mapping. Raises Misconfigured, also where it has no field: there would be nothing to try."""
        if not flow.fields:
            raise Misconfigured(
                f"线路“{flow.name}”还没有选择任何字段。请打开“线路与映射”，点这条线路的“配置字段映射”，"
                "至少为一个目标字段选择来源，保存后再试。"
            )
        try:
            return compile_flow(self.document, flow)
        except Faults as error:
            raise Misconfigured(f"线路“{flow.name}”的字段映射有误：{error}") from error

    def events(self, flow: Flow, limit: int) -> list[dict[str, Any]]:
        """Messages to try an out flow with: real ones masked, or made-up ones where there are none yet."""
        with self.engine.connect() as tx:
            area, department = self.config.desk.area, self.document.department
            found = tried_packages.newest(tx, area, department, flow.message, limit)
        return found or tried_packages.made_up(flow.message, self.document.department, min(limit, 5), 1)


def opened_try(config: HostConfig, engine: Engine, job: Job, told: Told) -> Try:
    """The version that the job is about, with its secrets."""
    with engine.connect() as tx:
        try:
            document = document_of(tx, job.connector, job.version)
        except Faults as error:
            raise Misconfigured(f"连接器内容有误，请先改正：{error}") from error
        secrets = opened_secrets(tx, config.desk, job.connector, document)
    return Try(config, engine, job, told, document, secrets)


def mapped_row(mapping: Compiled, ref: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """One record and what its mapping makes of it."""
    tried = mapping.apply(record)
    faults = [asdict(fault) for fault in tried.faults]
    return {
        "ref": ref,
        "record": dict(record),
        "mapped": list(tried.records),
        "faults": faults,
        "message": None,
    }


def judged_row(
    one: Try, flow: Flow, mapping: Compiled, incoming: Incoming, adapter: Adapter
) -> dict[str, Any]:
    """One collected record, mapped and judged as if it were to be said; what it names is got from the adapter."""
    if incoming.fault:
        fault = {"target": "", "cause": "format", "words": incoming.fault, "value": None}
        return {"ref": incoming.ref, "record": {}, "mapped": [], "faults": [fault], "message": None}
    row = mapped_row(mapping, incoming.ref, incoming.record)
    message: dict[str, Any] | None = None
    for fields in row["mapped"]:
        try:
            message = _message(one, flow, fields, adapter)
        except Unfit as error:
            row["faults"].append({"target": "", "cause": "unfit", "words": str(error), "value": None})
    row["faults"] = [{**fault, "value": masked({"v": fault.get("value")})["v"]} for fault in row["faults"]]
    return {
        **row,
        "record": masked(row["record"]),
        "mapped": [masked(fields) for fields in row["mapped"]],
        "message": None if message is None else masked(message),
    }


def _message(one: Try, flow: Flow, fields: Mapping[str, Any], adapter: Adapter) -> dict[str, Any]:
    """The data of the message that would be said. Raises Unfit. Statements about packages are judged when they are said."""
    if flow.message not in FORMS:
        return dict(fields)
    names = own_config(one.config, one.document.department)
    fetch = FlowFiles(flow, lambda _: adapter).fetch
    draft = Draft("", cast(Kind, flow.message), fields, fetch=fetch)
    now = one.config.desk.clock()
    kind, document = report_document(
        names.code, names.source, draft, now, lambda written: TriedFiles().named(written, draft)
    )
    if found := violations(kind, document):
        raise Unfit("；".join(str(fault).removeprefix("data.") for fault in found[:5]))
    data: dict[str, Any] = document["data"]
    return data
