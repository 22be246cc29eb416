"""ServiceItem 政务服务事项: what can be applied for."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.catalogue.sharing_attribute import Shared, sharing_checks
from hub.model import Base


class ServiceItem(Shared, Base):
    """What can be applied for. The sharing attribute is that of its result (办结结果)."""

    __tablename__ = "service_items"
    __table_args__ = (
        CheckConstraint(
            "promised_days IS NULL OR legal_days IS NULL OR promised_days <= legal_days", name="limits"
        ),
        *sharing_checks(),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    catalog_code: Mapped[str | None]  # 基本编码, 12
    task_code: Mapped[str | None]  # 实施编码, 31
    handle_item_code: Mapped[str | None]  # 业务办理项编码, 33
    local_catalog_code: Mapped[str | None]
    local_task_code: Mapped[str | None]
    exercise_level: Mapped[str] = mapped_column(server_default=text("'4'"))  # A.2
    item_type: Mapped[str] = mapped_column(server_default=text("'01'"))  # GB/T 39046 A.1
    case_type: Mapped[str] = mapped_column(server_default=text("'2'"))  # A.6
    legal_days: Mapped[int | None] = mapped_column(SmallInteger)
    promised_days: Mapped[int | None] = mapped_column(SmallInteger)
    # 特殊环节: name, days, basis, fee, counted (whether its time counts towards the legal limit)
    special_steps: Mapped[list[dict[str, object]]] = mapped_column(server_default=text("'[]'"))
    # Words of a sheet's licence or document name that mean this item.
    aliases: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    licence_type_code: Mapped[str | None]  # GB/T 36904, 21 characters
    licence_name: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))

    def __str__(self) -> str:
        return self.name
