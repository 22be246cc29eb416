"""Uploads in a hub of its own, with a real store: the use cases and the finisher, as the API calls them."""

from __future__ import annotations

import io
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text

from hub.ports import Desk
from hub.take_upload import Announced, begin_upload, look_at_upload, note_received
from storage.intake.finish import CHUNK, Intake, finish_upload
from tests.hub.catalogue_builders import FOOD
from tests.hub.reuse_builders import CLERK, line_of, start
from tests.storage import intake_samples as samples

APPLICATION, PLAN, HEALTH, PREMISES, POWER = "M05", "M04", "M06", "M03", "M07"


@dataclass(frozen=True)
class Window:
    """A clerk's window on a hub."""

    engine: Engine
    desk: Desk
    intake: Intake

    def case(self) -> str:
        """A case being prepared."""
        with self.engine.begin() as tx:
            return start(tx, self.desk, FOOD, actor=f"user:{secrets.token_hex(4)}")

    def begin(
        self, case_no: str, size: int, name: str = "申请书.pdf", code: str = APPLICATION, **more: Any
    ) -> uuid.UUID:
        """Announce a file."""
        with self.engine.begin() as tx:
            announced = Announced(case_no, line_of(tx, case_no, code).id, name, size, **more)
            upload = begin_upload(tx, announced, self.intake.rules, self.desk, actor=CLERK, department=None)
        self.intake.spool.begin(upload.id, size)
        return upload.id

    def send(self, upload: uuid.UUID, data: bytes) -> None:
        """Every byte, chunk by chunk; not finished yet."""
        at, stream = 0, io.BytesIO(data)
        while at < len(data):
            left = at + CHUNK

            def read(size: int, left: int = left) -> bytes:
                return stream.read(min(size, left - stream.tell()))

            at = self.intake.spool.append(upload, at, read, most=CHUNK, known=at)
            with self.engine.begin() as tx:
                note_received(tx, upload, at, actor=CLERK)

    def send_made(self, upload: uuid.UUID, size: int) -> None:
        """A PDF of exactly `size` bytes that is made while it is sent, so that the sender needs no memory for it."""
        head, tail = samples.pdf() + b"9 0 obj\n<< >>\nstream\n", b"\nendstream\nendobj\n%%EOF\n"
        at = 0
        while at < size:
            piece = bytearray(secrets.token_bytes(min(CHUNK, size - at)))
            if at == 0:
                piece[: len(head)] = head
            if at + len(piece) == size:
                piece[-len(tail) :] = tail
            stream = io.BytesIO(bytes(piece))
            at = self.intake.spool.append(upload, at, stream.read, most=CHUNK, known=at)
            with self.engine.begin() as tx:
                note_received(tx, upload, at, actor=CLERK)

    def take(self, data: bytes, name: str = "申请书.pdf", code: str = APPLICATION, **more: Any) -> Any:
        """All of it on a new case; how it stands then."""
        upload = self.begin(more.pop("case_no", None) or self.case(), len(data), name, code, **more)
        self.send(upload, data)
        finish_upload(self.engine, self.intake, upload)
        return self.stands(upload)

    def stands(self, upload: uuid.UUID) -> Any:
        """The upload now."""
        with self.engine.connect() as tx:
            return look_at_upload(tx, upload, actor=CLERK)

    def one(self, question: str, **values: Any) -> Any:
        """One row of SQL."""
        with self.engine.connect() as tx:
            return tx.execute(text(question), values).one()
