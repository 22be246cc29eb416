"""SpentToken: a department's request token counts once; who used it is kept until nobody could use it any more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from hub.errors import Conflict
from hub.model import Base


class SpentToken(Base):
    """One token of one department."""

    __tablename__ = "spent_tokens"

    department: Mapped[str] = mapped_column(primary_key=True)
    token_id: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


def spend(tx: Connection, department: str, token_id: str, expires_at: datetime) -> None:
    """Use the token up. Raises Conflict where it was used before. Forgets those that have run out."""
    tx.execute(delete(SpentToken).where(SpentToken.expires_at < func.now()))
    values = {"department": department, "token_id": token_id, "expires_at": expires_at}
    done = tx.execute(
        insert(SpentToken).values(values).on_conflict_do_nothing().returning(SpentToken.token_id)
    ).first()
    if done is None:
        raise Conflict("该访问令牌已经用过。请为每次调用重新签发一个（jti 不同）。")
