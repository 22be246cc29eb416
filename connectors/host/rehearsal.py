"""The sandbox 演练: masked messages delivered beside the real place, and what is found there set beside what was sent.

Guarantees: nothing reaches the real place and nothing is said to the hub; the same seed tries the same messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from connectors.adapters.port import Adapter, Incoming, Outgoing
from connectors.department.mapped import out_record
from connectors.errors import ConnectorError
from connectors.host import tried_packages
from connectors.host.trying import MOST_SAMPLED, MOST_TRIED, Result, Try, judged_row
from schemas.connector.document import Flow

SANDBOX_BATCH = 20


def sandbox(one: Try) -> Result:
    """Masked messages into the place beside the real one, read back where it can be; what is there to say, collected."""
    wanted = one.job.params.get("flows") or [flow.name for flow in one.document.flows if flow.active]
    flows = [one.flow(str(name)) for name in cast(Sequence[Any], wanted)]
    rows: list[dict[str, Any]] = []
    for number, flow in enumerate(flows):
        one.told.step(words=f"线路“{flow.name}”演练中", at=flow.name, done=number, of=len(flows))
        rows += _sandbox_out(one, flow) if flow.direction == "out" else _sandbox_in(one, flow)
    counts = {
        "delivered": sum(row["delivered"] for row in rows),
        "same": sum(row["same"] for row in rows),
        "different": sum(not row["same"] and not row["refused"] for row in rows),
        "refused": sum(row["refused"] for row in rows),
    }
    one.told.step(words="演练完成", at="", done=len(flows), of=len(flows))
    words = f"{len(rows)} 条中 {counts['same']} 条一致，{counts['different']} 条不一致，{counts['refused']} 条被拒"
    return {"rows": rows, "counts": counts}, words


def _sandbox_out(one: Try, flow: Flow) -> list[dict[str, Any]]:
    mapping, rows, ready = one.mapping(flow), list[dict[str, Any]](), list[Outgoing]()
    events = _sandbox_events(one, flow)
    made_up = {event["subject"]: event["made_up_as"] for event in events if "made_up_as" in event}
    for event in events:
        tried = mapping.apply(out_record(event))
        if tried.faults:
            words = "；".join(fault.words for fault in tried.faults)
            rows.append(_row(flow, event["subject"], {}, None, same=False, words=words, refused=True))
        for number, record in enumerate(tried.records):
            ready.append(Outgoing(f"{event['id']}:{number}", event["subject"], record))
    with one.adapter(flow, sandbox=True) as adapter:
        for start in range(0, len(ready), SANDBOX_BATCH):
            batch = ready[start : start + SANDBOX_BATCH]
            words = f"线路“{flow.name}”：已送 {start} 条"
            one.told.step(words=words, at=flow.name, done=start, of=len(ready))
            answers = adapter.deliver(batch)
            found = adapter.found(batch)
            for number, (sent, refusal) in enumerate(zip(batch, answers, strict=True)):
                expected = dict(sent.record)
                if refusal is not None:
                    rows.append(
                        _row(
                            flow, sent.subject, expected, None, same=False, words=refusal.words, refused=True
                        )
                    )
                elif found is None:
                    told = "对方已收下；这类接口不能回读"
                    rows.append(
                        _row(flow, sent.subject, expected, expected, same=True, words=told, delivered=True)
                    )
                else:
                    rows.append(_compared(flow, sent.subject, expected, found[number]))
    return [row | {"made_up_as": made_up.get(row["ref"], "")} for row in rows]


def _sandbox_events(one: Try, flow: Flow) -> list[dict[str, Any]]:
    params, department = one.job.params, one.document.department
    if params.get("pushes"):
        with one.engine.connect() as tx:
            found = tried_packages.chosen(
                tx, one.config.desk.area, department, cast(Sequence[str], params["pushes"])
            )
        return [event for event in found if event["type"] == flow.message]
    if params.get("newest"):
        return one.events(flow, min(int(cast(int, params["newest"])), MOST_TRIED))
    count, seed = int(cast(int, params.get("synthetic") or 10)), int(cast(int, params.get("seed") or 1))
    return tried_packages.made_up(flow.message, department, min(count, tried_packages.MOST), seed)


def _sandbox_in(one: Try, flow: Flow) -> list[dict[str, Any]]:
    """From the place beside the real one; where there is none, from the real one: reading changes nothing there."""
    try:
        with one.adapter(flow, sandbox=True) as adapter:
            return _judged(one, flow, adapter, adapter.collect("", MOST_SAMPLED).records)
    except ConnectorError:
        with one.adapter(flow, sandbox=False) as adapter:
            return _judged(one, flow, adapter, adapter.collect("", MOST_SAMPLED).records)


def _judged(one: Try, flow: Flow, adapter: Adapter, found: Sequence[Incoming]) -> list[dict[str, Any]]:
    mapping = one.mapping(flow)
    rows = []
    for incoming in found:
        judged = judged_row(one, flow, mapping, incoming, adapter)
        words = "；".join(fault["words"] for fault in judged["faults"])
        same = not judged["faults"]
        rows.append(
            _row(
                flow,
                incoming.ref,
                judged["record"],
                judged["message"],
                same=same,
                words=words,
                refused=not same,
            )
        )
    return rows


def _compared(
    flow: Flow, ref: str, expected: dict[str, Any], found: Mapping[str, Any] | None
) -> dict[str, Any]:
    """As text: the other side has its own types. What it has beside our fields is its own business."""
    seen = None if found is None else {name: found.get(name) for name in expected}
    same = seen is not None and all(_text(seen[name]) == _text(value) for name, value in expected.items())
    words = "" if same else "对方没有找到这一条" if seen is None else "对方存下的内容与送出的不同"
    return _row(flow, ref, expected, seen, same=same, words=words, delivered=True)


def _text(value: Any) -> str:
    """Dates, amounts and flags come back in the other side's types."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float | Decimal):
        return f"{Decimal(str(value)).normalize():f}"
    return str(value).strip().replace("T", " ").removesuffix(" 00:00:00")


def _row(
    flow: Flow, ref: str, expected: Mapping[str, Any], found: Mapping[str, Any] | None, *, same: bool, words: str,
    delivered: bool = False, refused: bool = False,
) -> dict[str, Any]:  # fmt: skip
    said = {"flow": flow.name, "ref": ref, "expected": dict(expected), "found": found and dict(found)}
    return {**said, "same": same, "words": words, "delivered": delivered, "refused": refused}
