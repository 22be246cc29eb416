"""覆盖与空白: which department looks after which item by the published rules, as a picture and as a list."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, request
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext

from admin.pages import Screen, as_file
from admin.premises import here
from admin.pushing import rule_words
from hub.pushing.rules.overlaps_and_gaps import Coverage, coverage

SHOWN = 500


class PushCoverageView(Screen):
    """覆盖与空白."""

    route_base = "/rules/coverage"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> str:
        """The picture, the gaps, the overlaps, and rules that never match."""
        found = _coverage()
        only = request.args.get("only", "")
        words = request.args.get("q", "").strip().lower()[:80]
        items = [
            code
            for code, name in found.items.items()
            if (not words or words in f"{code} {name}".lower())
            and (only != "gap" or code in found.gaps)
            and (only != "partial" or code in found.partial)
            and (
                only != "many"
                or any(len(cell.rules) > 1 for (i, _d), cell in found.cells.items() if i == code)
            )
        ]
        return self.page(
            "push_coverage.html",
            title=gettext("覆盖与空白"),
            found=found,
            items=items[:SHOWN],
            more=max(0, len(items) - SHOWN),
            only=only,
            gaps=set(found.gaps),
            overlaps=[
                (one, rule_words.days_text(one.days), [rule_words.path_title(path) for path in one.withheld])
                for one in found.overlaps[:100]
            ],
        )

    @expose("/export.<kind>")
    @has_access
    @permission_name("export")
    def export(self, kind: str) -> Response:
        """Every item and department with the rules between them."""
        return as_file(_rows(_coverage()), kind, "pushcoverage")


def _coverage() -> Coverage:
    with here().engine.connect() as tx:
        return coverage(tx, here().config.desk.area)


def _rows(found: Coverage) -> Iterator[list[str]]:
    yield [
        gettext("事项编码"),
        gettext("事项"),
        gettext("部门代码"),
        gettext("部门"),
        gettext("覆盖"),
        gettext("按哪条规则"),
    ]
    words = {"always": gettext("总是推送"), "sometimes": gettext("符合条件才推送")}
    for item, name in found.items.items():
        mine = [(d, found.cells[item, d]) for d in found.departments if (item, d) in found.cells]
        for department, cell in mine:
            rules = "、".join(one for _id, one in cell.rules)
            yield [item, name, department, found.departments[department], words[cell.state], rules]
        if not mine:
            yield [item, name, "", "", gettext("没有部门监管"), ""]
