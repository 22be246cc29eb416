"""监管信息: what departments planned, found, had put right, punished and took back; one fact, evidence, figures."""

from __future__ import annotations

import uuid

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import ColumnElement
from werkzeug.wrappers import Response as Answer

from admin.department_api import stream
from admin.feedback.figures import TITLES, figures, figures_rows, months
from admin.feedback.finding_list import LISTING, effect, money, said, seen
from admin.feedback.finding_show import shown
from admin.pages import ExportedList, as_file
from admin.premises import actor, here, own_department
from hub.errors import HubError
from hub.feedback.read_evidence import read_evidence

__all__ = ["FindingView", "effect"]


class FindingView(ExportedList):
    """监管信息."""

    route_base = "/findings"
    listing = LISTING
    list_template = "findings.html"

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees the department's findings, and those it was told of."""
        return seen()

    @expose("/<uuid:finding>")
    @has_access
    @permission_name("show")
    def show(self, finding: uuid.UUID) -> str:
        """One fact."""
        with here().engine.connect() as tx:
            found = shown(tx, finding)
        return self.page(
            "finding.html",
            title=found.fact.finding_no,
            f=found,
            r=found.fact,
            said=said,
            effect=effect,
            money=money,
        )

    @expose("/<uuid:finding>/files/<int:seq>", methods=["POST"])
    @has_access
    @permission_name("read")
    def read(self, finding: uuid.UUID, seq: int) -> Response | Answer:
        """A file of it, for a stated use, on the record."""
        use = request.form.get("use", "")
        try:
            with here().engine.begin() as tx:
                facts = read_evidence(
                    tx, finding, seq, reader=actor(), department=own_department(), stated_use=use
                )
            return stream(facts, inline=False)
        except HubError as error:
            flash(gettext("未能调阅：%(why)s", why=error.message), "danger")
            return redirect(url_for("FindingView.show", finding=finding))

    @expose("/figures")
    @has_access
    @permission_name("figures")
    def figures(self) -> str:
        """Checks, problems, what was put right, and money, by department and month."""
        first, last = months(request.args)
        with here().engine.connect() as tx:
            rows = figures(tx, first, last, own_department())
        return self.page(
            "finding_figures.html",
            title=gettext("监管统计"),
            rows=rows,
            first=first,
            last=last,
            titles=TITLES,
        )

    @expose("/figures.<kind>")
    @has_access
    @permission_name("figures")
    def figures_file(self, kind: str) -> Response:
        """The same as a file."""
        first, last = months(request.args)
        with here().engine.connect() as tx:
            rows = figures(tx, first, last, own_department())
        return as_file(figures_rows(rows), kind, "supervision-figures")
