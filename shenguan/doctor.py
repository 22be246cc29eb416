"""The doctor: looks at every part in turn, and for what is wrong says what to do about it.

Guarantees: changes nothing; a check that itself fails is reported as a fault and stops no other; what cannot be checked
because something else is down is said to be unchecked. Findings are `ok`, `warn` (works, look at it) or `fail`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from shenguan import doctor_data, doctor_machine
from shenguan.doctor_finding import Check, Finding, Look
from shenguan.probes import words_of
from shenguan.run_state import RunState
from shenguan.settings import Settings

CHECKS: tuple[Check, ...] = (*doctor_machine.CHECKS, *doctor_data.CHECKS)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Nothing has failed."""
        return all(finding.state != "fail" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """As `doctor --json` gives it."""
        return {"ok": self.ok, "checks": [asdict(finding) for finding in self.findings]}


def examine(
    settings: Settings, running: RunState, told: Callable[[Finding], None] | None = None
) -> Diagnosis:
    """Run every check, a few at a time; `told` hears each finding in order."""
    look = Look(settings, running)
    found: list[Finding] = []
    with ThreadPoolExecutor(6, thread_name_prefix="doctor") as pool:
        for answer in [pool.submit(_run, check, look) for check in CHECKS]:
            for finding in answer.result():
                found.append(finding)
                if told:
                    told(finding)
    return Diagnosis(tuple(found))


def _run(check: Check, look: Look) -> list[Finding]:
    try:
        return list(check.examine(look))
    except Exception as error:  # a broken check must not hide what the others found
        return [Finding(check.title, "fail", words_of(error), check.advice)]
