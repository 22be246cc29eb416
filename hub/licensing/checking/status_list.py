"""StatusList 状态清单: the signed list by which anybody checks a licence off-line, as last made (IETF Token Status List)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base


class StatusList(Base):
    """One list of a million places. `token` is the JWT as it is served."""

    __tablename__ = "status_lists"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)  # status_index >> 20
    token: Mapped[str]
    digest: Mapped[bytes]  # SHA-256 of the statuses in it
    made_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
