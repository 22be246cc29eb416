"""What every version in the catalogue carries, of an item and of a material type alike: number, state, who did what when."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

VERSION_STATES = ("draft", "published", "superseded", "withdrawn")


class Version:
    """The columns. A published version never changes, but for how it ended: a trigger of the database says so, too."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None]
