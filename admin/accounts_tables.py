"""Which department a user belongs to. Beside Flask-AppBuilder's own `ab_*` tables, so not in the hub's migrations."""

from __future__ import annotations

from flask_appbuilder import Model
from sqlalchemy import Column, ForeignKey, Integer, String


class UserDepartment(Model):
    """A user who sees only what concerns one department."""

    __tablename__ = "ab_user_departments"

    user_id = Column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    department = Column(String(32), nullable=False)
