"""How many findings a second one intake takes: verify, validate, effect on case and licence, notice, ledger, commit, offset.

Every finding is on a case of a party of its own that was decided before; a tenth of them freeze a licence. Rates are of one
process on the machine at hand; beside them stands what verifying and validating alone would allow.
"""

from __future__ import annotations

import secrets
import statistics
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine, create_engine, func, insert, select

from connectors.bus import BusSettings, Producer, Record, ensure_topics
from connectors.intake.program import Intake, IntakeConfig
from connectors.relay.drain import CONTENT_TYPE
from hub.deciding.decide import decide
from hub.deciding.decided_case import PartyFacts
from hub.department import source_of, topic_out
from hub.feedback.finding import Finding
from hub.item import ServiceItem
from hub.ports import Desk
from hub.pushing.rules.add_rule import add_rule
from hub.register_department import add_department, trusted_keys
from schemas import dumps
from shenguan.cli.stopping import spare_what_is_loaded
from storage.identity import IdentityVault
from storage.judging import Judge
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, TrustedKey, TrustedKeys, generate_private_key
from tests.bench.bench_relay import _database
from tests.hub.builders import a_case
from tests.session_parts import Owner

TARGET = 1500
DEPARTMENT = "scjg"


def run(*, findings: int = 5_000, repetitions: int = 5) -> dict[str, object]:
    """Median findings per second. Starts and stops servers of its own."""
    servers = Owner(Path(tempfile.mkdtemp(prefix="bench-intake-")))
    try:
        url = _database(servers)
        engine = create_engine(url)
        bus = BusSettings(servers.get("broker")["bootstrap"], fetch_max_wait_ms=10)
        key = Signer.from_pem(DEPARTMENT, generate_private_key())
        rates: list[float] = []
        busy: list[float] = []
        floor: list[float] = []
        desk = _desk()
        _county(engine, key)
        for repetition in range(repetitions + 1):
            records = _reported(engine, desk, key, findings, start=repetition * findings)
            taken, own, bare = _take(url, engine, bus, desk, records)
            if repetition:
                rates.append(findings / taken)
                busy.append(own / findings * 1e6)
                floor.append(findings / bare)
        with engine.connect() as tx:
            kept = tx.execute(select(func.count()).select_from(Finding)).scalar_one()
        assert kept == findings * (repetitions + 1), f"lost or doubled: {kept}"
        engine.dispose()
        return {
            "broker": "tansu memory://",
            "findings": findings,
            "per_second": round(statistics.median(rates)),
            "all": [round(rate) for rate in rates],
            "cpu_us_per_finding": round(statistics.median(busy)),
            "verify_and_validate_alone": round(statistics.median(floor)),
        }
    finally:
        servers.close()


def _desk() -> Desk:
    vault = IdentityVault(bytes(range(32)), KeyEncryption(bytes(range(32))))
    hub = Signer.from_pem("hub", generate_private_key())
    return Desk(
        f"99{secrets.randbelow(10**8):08d}", "http://127.0.0.1:1", hub, vault, lambda: datetime.now(UTC)
    )


def _county(engine: Engine, key: Signer) -> None:
    with engine.begin() as tx:
        add_department(
            tx,
            code=DEPARTMENT,
            name="示范县市场监督管理局",
            roles=["supervising"],
            public_pem=key.public_pem,
            kid=key.kid,
            actor="user:bench",
        )
        add_rule(tx, "全部", {DEPARTMENT: 3}, actor="user:test")
        tx.execute(insert(ServiceItem).values(code="XK-001", name="食品经营许可"))


def _reported(engine: Engine, desk: Desk, key: Signer, count: int, *, start: int) -> list[Record]:
    cases = [
        a_case(
            number, area=desk.area, party=PartyFacts("legal", f"示例企业{number}", f"{number:018d}", "001")
        )
        for number in range(start + 1, start + count + 1)
    ]
    for first in range(0, count, 1000):
        with engine.begin() as tx:
            decide(tx, cases[first : first + 1000], desk, actor="user:bench")
    return [
        _record(desk, key, case.case_no, number, bad=number % 10 == 0)
        for number, case in enumerate(cases, start)
    ]


def _record(
    desk: Desk, key: Signer, case_no: str, number: int, *, bad: bool, explain: str | None = None
) -> Record:
    data: dict[str, Any] = {
        "finding_no": f"JC-{number}",
        "project_no": case_no,
        "inspected_at": "2026-09-20T06:30:00Z",
        "inspectors": [{"name": "示例己", "certificate_no": "99010100001"}, {"name": "示例庚"}],
        "check_result": "3" if bad else "1",
        "handling": "2" if bad else "1",
        "explain": explain or ("后厨未设独立清洗水池" if bad else "符合"),
    }
    value = dumps(
        {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": source_of(desk.area, DEPARTMENT),
            "type": "finding.reported.v1",
            "subject": case_no,
            "time": "2026-09-20T08:00:00Z",
            "datacontenttype": "application/json",
            "data": data,
        }
    )
    headers = [
        ("signature", key.sign(value).encode()),
        ("kid", key.kid.encode()),
        ("content-type", CONTENT_TYPE),
    ]
    return Record(topic_out(desk.area, DEPARTMENT), case_no.encode(), value, headers)


def _take(
    url: str, engine: Engine, bus: BusSettings, desk: Desk, records: list[Record]
) -> tuple[float, float, float]:
    """Seconds for the whole way in, of them this process's own, and for judging alone."""
    ensure_topics(bus, [records[0].topic])
    producer = Producer(bus)
    intake = Intake(IntakeConfig(url, bus, desk, poll_ms=100), engine)
    try:
        intake.warm()
        spare_what_is_loaded()  # as the program does when it begins
        assert not any(producer.publish(records))
        done, begun, cpu = 0, time.perf_counter(), time.process_time()
        while done < len(records):
            taken = intake.step()
            if taken:
                assert taken.quarantined == 0
                done += taken.accepted
        whole, busy = time.perf_counter() - begun, time.process_time() - cpu
    finally:
        intake.close()
        producer.close()
    return whole, busy, _judging(engine, desk, records)


def _judging(engine: Engine, desk: Desk, records: list[Record]) -> float:
    from connectors.bus import Message

    with engine.connect() as tx:
        keys = TrustedKeys.of(TrustedKey(key.kid, key.department, key.public_pem) for key in trusted_keys(tx))
    judge = Judge(desk.area, keys)
    messages = [
        Message(one.topic, 0, offset, one.key, one.value, dict(one.headers))
        for offset, one in enumerate(records)
    ]
    begun = time.perf_counter()
    _, refused = judge.sort(messages, datetime.now(UTC))
    assert not refused
    return time.perf_counter() - begun


@click.command()
@click.option("--findings", default=5_000)
@click.option("--repetitions", default=5)
def main(findings: int, repetitions: int) -> None:
    """Print the figures."""
    found = run(findings=findings, repetitions=repetitions)
    click.echo(f"{found['findings']} findings a round, broker {found['broker']}")
    click.echo(f"{found['per_second']} findings/s (goal {TARGET}); rounds {found['all']}")
    own = int(str(found["cpu_us_per_finding"]))
    click.echo(f"own CPU per finding: {own} µs, so {10**6 // own}/s at best")
    click.echo(f"verify and validate alone: {found['verify_and_validate_alone']}/s")


if __name__ == "__main__":
    main()
