"""Program 程序: what each running program last said of itself, for `status`, `/healthz` and the admin."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

PROGRAM_STATES = ("running", "waiting", "stopped")


class Program(Base):
    """One instance of web, relay or intake. Silent for over 15 s means gone."""

    __tablename__ = "programs"
    __table_args__ = (one_of("state", PROGRAM_STATES),)

    name: Mapped[str] = mapped_column(primary_key=True)
    instance: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    detail: Mapped[str | None]  # what it waits for
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    seen_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
