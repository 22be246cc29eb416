"""Which department a user belongs to, and which notices they want. Beside Flask-AppBuilder's own `ab_*` tables, so not in
the hub's migrations.
"""

from __future__ import annotations

from flask_appbuilder import Model
from sqlalchemy import Column, ForeignKey, Integer, String


class UserDepartment(Model):
    """A user who sees only what concerns one department."""

    __tablename__ = "ab_user_departments"

    user_id = Column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    department = Column(String(32), nullable=False)


class UserNoticeItem(Model):
    """An item whose notices a user wants to see; who has none of these sees those of every item."""

    __tablename__ = "ab_user_notice_items"

    user_id = Column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    item_code = Column(String(64), primary_key=True)


class UserNoticeSound(Model):
    """A user who wants to hear new notices. Nobody does until they say so."""

    __tablename__ = "ab_user_notice_sounds"

    user_id = Column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
