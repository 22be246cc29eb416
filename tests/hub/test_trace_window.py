"""The part of a trace that happened at the window, as a department may see it."""

from __future__ import annotations

from sqlalchemy import Engine, text

from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.promise_deferral import promise_deferral
from hub.reuse.use_material import use_material
from hub.tracing.trace import Trace, Viewer, trace
from tests.hub.reuse_builders import CLERK, accepted, days, decide_it, line_of, start, take_all, today
from tests.hub.test_completeness import county

__all__ = ["county"]


def test_what_was_reused_or_promised_for_a_withheld_line_is_not_told(county: Engine, desk: Desk) -> None:
    """Neither by the name of the line, nor by that of the material; the window sees both."""
    with county.begin() as tx:
        _other, on_file = accepted(tx, desk)
        case_no = start(tx, desk)
        take_all(tx, case_no, but=("M01", "M06"))
        used, promised = line_of(tx, case_no, "M01"), line_of(tx, case_no, "M06")
        use_material(
            tx, case_no=case_no, requirement_id=used.id, source_kind="material", source_id=on_file["M01"],
            purpose="办理许可", actor=CLERK, desk=desk,
        )  # fmt: skip
        promise_deferral(
            tx, case_no=case_no, requirement_id=promised.id, until=today(desk) + days(1), promised_by="张三",
            actor=CLERK, desk=desk,
        )  # fmt: skip
        accept_case(tx, case_no, desk, actor=CLERK)
        decide_it(tx, desk, case_no)

    def seen(*withheld: str, only: str | None = "zhzf") -> Trace:
        with county.begin() as tx:
            tx.execute(text("UPDATE pushes SET withheld = :paths"), {"paths": list(withheld)})
            return trace(tx, case_no, area=desk.area, viewer=Viewer(CLERK, only))

    def families(found: Trace) -> set[str]:
        return {one.family for one in found.lines} & {"reuse", "promise"}

    for whole in (seen(), seen("reused[]", "promised[]", only=None)):
        assert families(whole) == {"reuse", "promise"}
        assert (len(whole.uses), len(whole.promises)) == (1, 1)
    for path in ("reused[]", f"reused[{used.name}]", f"materials[{used.name}]", "reused[].source_name"):
        without = seen(path)
        assert families(without) == {"promise"}, path
        assert without.uses == ()
    for path in ("promised[]", f"promised[{promised.name}]"):
        without = seen(path)
        assert families(without) == {"reuse"}, path
        assert without.promises == ()
