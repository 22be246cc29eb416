"""The list of a case: by which version of its item, and for which department, materials are taken on it.

A case from the window keeps the version that it started with. One that came with its decision (from a sheet) has no list
unless a push of it lacks something, held or sent: then it is the version in force, by which it was found wanting.
"""

from __future__ import annotations

import uuid
from typing import NamedTuple

from sqlalchemy import Connection

from hub.round_trips import ask


class ListOfCase(NamedTuple):
    """`version_id` None: there is no list; `department` None: nobody of ours handles it, or decided it as the body it is."""

    version_id: uuid.UUID | None = None
    department: str | None = None


#: The version that a case is held to, in terms of `c`; also for those who look for cases.
VERSION = """coalesce(c.item_version_id, (
  SELECT v.id FROM item_versions v WHERE v.item_code = c.item_code AND v.state = 'published'
    AND EXISTS (SELECT FROM pushes p WHERE p.case_no = c.case_no AND p.missing IS NOT NULL
      AND p.state NOT IN ('reassigned', 'recalled'))))"""
_LIST = f"""
SELECT {VERSION}, coalesce(c.department, (SELECT min(d.code) FROM departments d WHERE d.uscc = c.org_code))
FROM cases c WHERE c.case_no = %(case_no)s
"""  # noqa: S608 - our own words
_WAITED_FOR = """
SELECT 1 FROM pushes p JOIN requirements r ON r.id = %(requirement)s
WHERE p.case_no = %(case_no)s AND p.state NOT IN ('reassigned', 'recalled')
  AND p.missing @> jsonb_build_array(jsonb_build_object('kind', 'material', 'code', r.code)) LIMIT 1
"""


def list_of_case(tx: Connection, case_no: str) -> ListOfCase:
    """The case's list, as it stands."""
    (rows,) = ask(tx, (_LIST, {"case_no": case_no}))
    return ListOfCase(*rows[0]) if rows else ListOfCase()


def waited_for(tx: Connection, case_no: str, requirement_id: uuid.UUID) -> bool:
    """Whether a push lacks this line, held or sent: that may come after the decision."""
    (found,) = ask(tx, (_WAITED_FOR, {"case_no": case_no, "requirement": requirement_id}))
    return bool(found)
