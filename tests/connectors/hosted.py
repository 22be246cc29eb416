"""Connectors on a host for tests: departments joined by it, their little databases, and the host in a thread."""

from __future__ import annotations

import json
import traceback
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select, text, update

from connectors.bus import BusSettings, Producer, Record, ensure_topics
from connectors.department.events import instant
from connectors.host.program import Host, run
from connectors.host.settings import HostConfig
from hub.connecting.connector import Connector, ConnectorVersion
from hub.department import Department
from hub.joining.custodial_key import make_custodial_key
from hub.ports import Desk
from schemas import dumps, examples_of
from schemas.connector.document import ConnectorDocument, document_to
from storage.custody import KeyCustody
from storage.key_encryption import KeyEncryption
from storage.signing import Signer
from tests.connectors.test_mapped import Own, a_document
from tests.connectors.waiting import running


@dataclass
class HostedHub:
    """A hub whose departments a host connects."""

    engine: Engine
    desk: Desk
    bus: BusSettings
    hub: Signer
    folder: Path
    database_url: str

    def config(self, instance: str = "host-1", **changes: Any) -> HostConfig:
        return HostConfig(
            self.database_url, self.bus, self.desk, {self.hub.kid: self.hub.public_pem}, self.folder,
            instance=instance, loopback_allowed=True, **{"follow_s": 1.0, "tell_s": 0.2, **changes},
        )  # fmt: skip

    def running(self, instance: str = "host-1", **changes: Any) -> AbstractContextManager[Any]:
        config = self.config(instance, **changes)

        def program(stop: Any) -> None:
            try:
                run(config, stop)
            except BaseException:
                traceback.print_exc()  # beside whatever the test then waits for in vain
                raise

        return running(program)

    def host(self, instance: str = "host-1") -> Host:
        return Host(self.config(instance))

    def join(self, department: str, *, document: ConnectorDocument | None = None, **values: Any) -> Own:
        """Live from now on; its little database."""
        code = f"{department}-db"
        document = replace(document or a_document(), code=code, department=department)
        area = self.desk.area
        ensure_topics(self.bus, [f"{area}.{department}.in", f"{area}.{department}.out"])
        with self.engine.begin() as tx:
            if not tx.scalar(select(Department.code).where(Department.code == department)):
                tx.execute(insert(Department).values(code=department, name=department, roles=["supervising"]))
            tx.execute(update(Department).where(Department.code == department).values(channel="hosted"))
            make_custodial_key(tx, department, self.desk, actor="user:t")
            row = {"state": "live", "version": 1, "live_since": self.desk.clock(), **values}
            tx.execute(
                insert(Connector).values(
                    code=code, department=department, title=code, created_by="user:t", **row
                )
            )
            self._version(tx, code, 1, document)
        return self.join_own(department)

    def join_own(self, department: str) -> Own:
        """The little database of a department."""
        folder = self.folder / f"{department}-db"
        folder.mkdir(parents=True, exist_ok=True)
        return Own(folder)

    def publish(self, department: str, version: int, document: ConnectorDocument) -> None:
        """Another version runs from now on."""
        code = f"{department}-db"
        with self.engine.begin() as tx:
            self._version(tx, code, version, replace(document, code=code, department=department))
            self.change(department, tx, version=version)

    def change(self, department: str, tx: Any = None, **values: Any) -> None:
        statement = (
            update(Connector)
            .where(Connector.code == f"{department}-db")
            .values(changed_no=Connector.changed_no + 1, **values)
        )
        if tx is not None:
            tx.execute(statement)
        else:
            with self.engine.begin() as own:
                own.execute(statement)

    def _version(self, tx: Any, code: str, version: int, document: ConnectorDocument) -> None:
        now = self.desk.clock()
        tx.execute(
            insert(ConnectorVersion).values(
                connector=code, version=version, state="published", document=document_to(document),
                made_by="user:t", published_by="user:t", published_at=now,
            )
        )  # fmt: skip

    def package(self, department: str, number: int) -> Record:
        """A decision for this department, as the hub signs it."""
        document = json.loads(json.dumps(examples_of("approval.decided.v1")[0]))
        document |= {
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "source": f"/{self.desk.area}/hub",
            "subject": f"c-{number}",
            "time": instant(self.desk.clock()),
        }
        document["data"]["case"]["project_no"] = f"c-{number}"
        document["data"]["push"] |= {
            "id": f"10000000-0000-4000-8000-{number:012d}",
            "department": department,
        }
        value = dumps(document)
        headers = [("signature", self.hub.sign(value).encode()), ("kid", self.hub.kid.encode())]
        return Record(f"{self.desk.area}.{department}.in", document["subject"].encode(), value, headers)

    def push(self, producer: Producer, department: str, *numbers: int) -> None:
        assert producer.publish([self.package(department, one) for one in numbers]) == [None] * len(numbers)

    def ask(self, question: str, **values: Any) -> list[Any]:
        with self.engine.begin() as tx:
            done = tx.execute(text(question), values)
            return list(done.all()) if done.returns_rows else []


def with_custody(desk: Desk) -> Desk:
    return replace(desk, custody=KeyCustody(KeyEncryption(bytes(range(32)))))
