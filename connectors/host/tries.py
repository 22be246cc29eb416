"""What a person may have tried with a version of a connector: check, columns, sample, dry run, sandbox (`rehearsal`).

Guarantees: nothing is said to the hub, nothing is settled or moved at the department, and nothing reaches its real place.
Values that people see are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, cast

from connectors.department.mapped import out_record
from connectors.host.rehearsal import sandbox
from connectors.host.trying import MOST_SAMPLED, MOST_TRIED, Result, Try, judged_row, mapped_row
from schemas.connector.document import Flow
from schemas.mapping.masking import masked

_FLOW_LAYERS = ("permission", "shape")


def check(one: Try) -> Result:
    """Layer after layer; with each flow's own place where the endpoint itself is well."""
    endpoint = str(one.job.params.get("endpoint", ""))
    flows: list[Flow | None] = [
        flow for flow in one.document.flows if flow.endpoint == endpoint and flow.active
    ]
    ok = True
    for number, flow in enumerate(flows or [None]):
        with one.adapter(flow, endpoint) as adapter:
            for step in adapter.check():
                if number and step.ok and step.layer not in _FLOW_LAYERS:
                    continue  # was said of the first flow
                said = asdict(step)
                if flow is not None and step.layer in _FLOW_LAYERS:
                    said["words"] = f"线路“{flow.name}”：{step.words}"
                one.told.step(**said)
                ok = ok and step.ok
        if not ok:
            break
    return {"ok": ok}, "全部通过" if ok else "没有通过，请按提示处理后再测"


def columns(one: Try) -> Result:
    """The fields of the other side."""
    with one.adapter(one.flow(str(one.job.params.get("flow", "")))) as adapter:
        found = [asdict(column) for column in adapter.columns()]
    return {"columns": found}, f"找到 {len(found)} 个字段"


def sample(one: Try) -> Result:
    """Records as they are over there, masked; nothing is settled or moved."""
    flow = one.flow(str(one.job.params.get("flow", "")))
    if flow.direction == "out":
        events = one.events(flow, _limit(one, 20, MOST_SAMPLED))
        return {"records": [out_record(event) for event in events]}, f"取得 {len(events)} 条样例"
    with one.adapter(flow) as adapter:
        found = adapter.collect("", _limit(one, 20, MOST_SAMPLED)).records
    records = [masked(record.record) for record in found if record.fault is None]
    bad = len(found) - len(records)
    return {"records": records}, f"读到 {len(records)} 条" + (f"，另有 {bad} 条读不出来" if bad else "")


def dry_run(one: Try) -> Result:
    """As far as it goes without saying anything: collected, mapped and judged, or mapped for delivery."""
    flow = one.flow(str(one.job.params.get("flow", "")))
    mapping, limit = one.mapping(flow), _limit(one, 20, MOST_TRIED)
    rows: list[dict[str, Any]] = []
    if flow.direction == "out":
        for event in one.events(flow, limit):
            rows.append(mapped_row(mapping, event["subject"], out_record(event)))
    else:
        with one.adapter(flow) as adapter:
            for incoming in adapter.collect("", limit).records:
                one.told.go_on()
                rows.append(judged_row(one, flow, mapping, incoming, adapter))
    refused = sum(bool(row["faults"]) for row in rows)
    counts = {"collected": len(rows), "passed": len(rows) - refused, "refused": refused}
    return {"rows": rows, "counts": counts}, f"{len(rows)} 条中 {len(rows) - refused} 条通过"


TRIES: Mapping[str, Callable[[Try], Result]] = {
    "check": check,
    "columns": columns,
    "sample": sample,
    "dry_run": dry_run,
    "sandbox": sandbox,
}


def _limit(one: Try, default: int, most: int) -> int:
    return max(1, min(int(cast(int, one.job.params.get("limit") or default)), most))
