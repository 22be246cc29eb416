"""Whose licence it is, who may see it and who may act on it.

Guarantees: a user with a department sees the licences it issues, those of its own cases, and those of which any version
was pushed to it; it acts only on its own. A user without one sees the whole area and acts for the licence's department.
What a role may do at all stands in admin.accounts.
"""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from flask_babel import gettext
from sqlalchemy import ColumnElement, Connection, and_, or_, select, text

from admin.case_pages import pushed_to_own_department
from admin.premises import own_department
from hub.department import Department
from hub.errors import Denied, NotFound
from hub.licensing.licence import Licence


class Owner(NamedTuple):
    """The department that answers for a licence; None: no department of ours does."""

    code: str | None
    name: str


#: Every version of the licence, oldest and newest included.
VERSIONS = """
WITH RECURSIVE back AS (
  SELECT id, previous_id FROM licences WHERE id = :licence
  UNION SELECT l.id, l.previous_id FROM licences l JOIN back ON l.id = back.previous_id
), whole AS (
  SELECT id FROM back
  UNION SELECT l.id FROM licences l JOIN whole ON l.previous_id = whole.id
)
"""
_OWNER = text("""
SELECT coalesce(l.department, c.department, u.code) AS code, coalesce(d.name, l.issuer_name) AS name
FROM licences l LEFT JOIN cases c ON c.case_no = l.case_no
LEFT JOIN departments u ON u.uscc = l.issuer_code AND u.active
LEFT JOIN departments d ON d.code = coalesce(l.department, c.department, u.code)
WHERE l.id = :licence
""")
_SEEN = text(
    VERSIONS  # noqa: S608 - our own words
    + """
SELECT EXISTS (SELECT FROM licences l JOIN whole USING (id) LEFT JOIN cases c ON c.case_no = l.case_no
  WHERE l.department = :mine OR c.department = :mine
    OR EXISTS (SELECT FROM pushes p WHERE p.case_no = l.case_no AND p.department = :mine)
    OR EXISTS (SELECT FROM material_uses m WHERE m.licence_id = l.id AND m.department = :mine))
"""
)


def visible() -> tuple[ColumnElement[bool], ...]:
    """Confines a list of licences to what the signed-in user's department may see."""
    mine = own_department()
    if mine is None:
        return ()
    return (or_(of_department(mine), *pushed_to_own_department(Licence.case_no)),)


def of_department(code: str) -> ColumnElement[bool]:
    """A licence that this department issued; one from a sheet names it by its social credit code only."""
    uscc = select(Department.uscc).where(Department.code == code).scalar_subquery()
    return or_(Licence.department == code, and_(Licence.department.is_(None), Licence.issuer_code == uscc))


def owner_of(tx: Connection, licence: uuid.UUID) -> Owner:
    """Raises NotFound."""
    row: Any = tx.execute(_OWNER, {"licence": licence}).one_or_none()
    if row is None:
        raise NotFound(gettext("没有这张证照。请回到“电子证照”重新查找。"))
    return Owner(row.code, row.name)


def check_may_see(tx: Connection, licence: uuid.UUID) -> Owner:
    """Whose it is. Raises NotFound or Denied."""
    owner = owner_of(tx, licence)
    mine = own_department()
    if mine is None or mine == owner.code:
        return owner
    if not tx.execute(_SEEN, {"licence": licence, "mine": mine}).scalar_one():
        raise Denied(gettext("这张证照没有推送给您所在的部门，不能查看。"))
    return owner


def is_own(owner: Owner) -> bool:
    """Whether the signed-in user acts for this licence's department."""
    mine = own_department()
    return owner.code is not None and mine in (None, owner.code)


def check_own(owner: Owner) -> str:
    """The department to act for. Raises Denied."""
    if owner.code is None:
        raise Denied(
            gettext("这张证照由%(name)s颁发，不是本中心的审批部门，不能在这里处理。", name=owner.name)
        )
    if not is_own(owner):
        raise Denied(gettext("这张证照由%(name)s颁发，应由对方处理。", name=owner.name))
    return owner.code
