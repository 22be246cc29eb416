"""Whom a change of a licence reaches, said before it is made."""

from __future__ import annotations

from dataclasses import dataclass

from admin.licensing.licence_show import LicenceShow


@dataclass(frozen=True, slots=True)
class Reach:
    """Departments that received it or relied on it, and the cases that rest on it."""

    departments: tuple[str, ...]
    cases: tuple[str, ...]
    holder: str


def reach_of(found: LicenceShow) -> Reach:
    """As hub.licensing.living.announce and hub.reuse.tell_relied will find them."""
    names = [one["name"] for one in found.received]
    names += [one["department"] for one in found.uses if one["department"]]
    cases = [one["case_no"] for one in found.uses]
    return Reach(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(cases)), found.licence["party_name"])
