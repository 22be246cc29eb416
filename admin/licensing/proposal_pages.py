"""待确认处置: freezes and revocations that findings ask for and a person must confirm or decline.

Guarantees: a proposal is settled once; a department's user settles those about its own licences; what is confirmed goes by
the same use case as any other act, with everything that follows.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from admin import cells
from admin.licensing.scans import with_scan
from admin.licensing.seeing import check_own, of_department, owner_of
from admin.listing import Choice, Column, Listing, words
from admin.pages import ExportedList, reason, sentence_on_refusal, to
from admin.premises import actor, here, may, own_department
from hub.case import Case
from hub.department import Department
from hub.errors import NotFound
from hub.feedback.finding import Finding
from hub.licensing.findings.rule import LicenceProposal
from hub.licensing.findings.settle_proposal import confirm_proposal, decline_proposal
from hub.licensing.licence import Licence
from hub.party import Party


def _query() -> Select[Any]:
    return (
        select(
            LicenceProposal.id,
            LicenceProposal.licence_id,
            LicenceProposal.effect,
            LicenceProposal.state,
            LicenceProposal.reason,
            LicenceProposal.created_at,
            LicenceProposal.decided_at,
            LicenceProposal.decided_by,
            LicenceProposal.decided_why,
            Finding.finding_no,
            Finding.id.label("finding_id"),
            Finding.case_no,
            Finding.check_result,
            Finding.handling,
            Finding.explanation,
            Department.name.label("department_name"),
            Licence.name,
            Licence.number,
            Licence.status,
            Party.name.label("party"),
        )
        .select_from(LicenceProposal)
        .join(Finding, Finding.id == LicenceProposal.finding_id)
        .join(Department, Department.code == LicenceProposal.department)
        .join(Licence, Licence.id == LicenceProposal.licence_id)
        .join(Party, Party.id == Licence.party_id)
        .outerjoin(Case, Case.case_no == Licence.case_no)
    )


def _mine() -> tuple[ColumnElement[bool], ...]:
    """A department's user sees what is asked about its licences, and what its own findings ask for."""
    mine = own_department()
    if mine is None:
        return ()
    return (or_(of_department(mine), Case.department == mine, LicenceProposal.department == mine),)


def open_proposals() -> int:
    """How many wait for the signed-in user's department: for the side bar."""
    mine = own_department()
    query = (
        select(func.count())
        .select_from(LicenceProposal)
        .join(Licence, Licence.id == LicenceProposal.licence_id)
        .outerjoin(Case, Case.case_no == Licence.case_no)
        .where(LicenceProposal.state == "open")
    )
    if mine is not None:
        query = query.where(or_(of_department(mine), Case.department == mine))
    with here().engine.connect() as tx:
        return tx.scalar(query) or 0


def _licence(row: Any) -> Markup:
    return Markup(
        '<a href="{}">{}</a> {}<small class="block">{} <span class="mono">{}</span></small>'
    ).format(
        url_for("LicenceView.show", licence=row.licence_id),
        cells.clip(row.name, 16),
        cells.code("licence_status", row.status),
        cells.clip(row.party, 18),
        row.number,
    )


def _finding(row: Any) -> Markup:
    href = url_for("CaseView.show", case_no=row.case_no, _anchor=f"finding-{row.finding_id}")
    return Markup('{} {} {}<small class="block"><a href="{}">{}</a> {}</small>').format(
        row.department_name,
        cells.code("check_result", row.check_result),
        cells.code("handling", row.handling),
        href,
        row.finding_no,
        cells.clip(row.explanation, 40),
    )


def _state(row: Any) -> Markup:
    said = cells.word("proposal_state", row.state)
    if row.state == "open" or row.decided_at is None:
        return said
    return Markup('{}<small class="block">{} {}</small>').format(
        said, cells.local(row.decided_at), cells.clip(row.decided_why, 24)
    )


class LicenceProposalView(ExportedList):
    """待确认处置."""

    route_base = "/licence-proposals"
    list_template = "licence_proposals.html"
    listing = Listing(
        title=_("待确认处置"),
        query=_query,
        columns=(
            Column(
                "effect",
                _("请求"),
                lambda r: cells.word("proposal_effect", r.effect),
                LicenceProposal.effect,
                lambda r: cells.word_text("proposal_effect", r.effect),
                narrow=True,
            ),
            Column(
                "number", _("证照"), _licence, Licence.number, lambda r: f"{r.name} {r.number}", narrow=True
            ),
            Column(
                "finding_no",
                _("监管信息"),
                _finding,
                Finding.finding_no,
                lambda r: f"{r.department_name} {r.finding_no} {r.explanation or ''}",
            ),
            Column("created_at", _("提出"), lambda r: cells.when(r.created_at), LicenceProposal.created_at),
            Column(
                "state",
                _("状态"),
                _state,
                LicenceProposal.state,
                lambda r: cells.word_text("proposal_state", r.state),
                narrow=True,
            ),
        ),
        order=((LicenceProposal.state != "open"), LicenceProposal.created_at.desc(), LicenceProposal.id),
        search=(Licence.number, Party.name, Finding.finding_no),
        search_hint=_("证照编号、持证主体、监管信息编号"),
        choices=(
            Choice("state", _("状态"), LicenceProposal.state, words("proposal_state")),
            Choice("effect", _("请求"), LicenceProposal.effect, words("proposal_effect")),
        ),
        day=(_("提出日期"), LicenceProposal.created_at),
        empty=_("没有待确认的处置。联动规则设为“确认后生效”或“请求吊销”时，监管信息会在这里等人确认。"),
    )

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees what concerns it."""
        return _mine()

    def extras(self) -> dict[str, Any]:
        """Whether there are buttons."""
        return {"can_settle": may("can_settle", "LicenceProposalView"), "may_settle": _may_settle()}

    @expose("/<uuid:proposal>/confirm", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("LicenceProposalView.list", proposal=None))
    def confirm(self, proposal: uuid.UUID) -> Any:
        """Do what the finding asks for."""
        why = reason()
        document_no = request.form.get("document_no", "").strip()[:100] or None
        with here().engine.connect() as tx:
            self._check(tx, proposal)

        def act(tx: Connection, sha256: bytes | None) -> None:
            confirm_proposal(
                tx,
                proposal,
                actor=actor(),
                reason=why,
                desk=here().config.desk,
                document_no=document_no,
                document=sha256,
            )

        with_scan(request.files.get("scan"), act)
        flash(gettext("已确认处置，并通知了收到过这张证照的部门。"), "success")
        return redirect(url_for("LicenceProposalView.list"))

    @expose("/<uuid:proposal>/decline", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("LicenceProposalView.list", proposal=None))
    def decline(self, proposal: uuid.UUID) -> Any:
        """Leave the licence as it is."""
        why = reason()
        with here().engine.begin() as tx:
            self._check(tx, proposal)
            decline_proposal(tx, proposal, actor=actor(), reason=why, desk=here().config.desk)
        flash(gettext("已记下不予处置的理由，证照不变。"), "success")
        return redirect(url_for("LicenceProposalView.list"))

    @staticmethod
    def _check(tx: Connection, proposal: uuid.UUID) -> None:
        """Only the department whose licence it is."""
        licence = tx.scalar(select(LicenceProposal.licence_id).where(LicenceProposal.id == proposal))
        if licence is None:
            raise NotFound(gettext("没有这条处置请求。"))
        check_own(owner_of(tx, licence))


def _may_settle() -> Any:
    """Whether a row has buttons: its licence is the department's own. Asked once for the page."""
    mine = own_department()
    if mine is None:
        return lambda _row: True
    query = (
        select(LicenceProposal.id)
        .join(Licence, Licence.id == LicenceProposal.licence_id)
        .outerjoin(Case, Case.case_no == Licence.case_no)
        .where(LicenceProposal.state == "open", or_(of_department(mine), Case.department == mine))
    )
    with here().engine.connect() as tx:
        own = set(tx.execute(query.limit(1000)).scalars())
    return lambda row: row.id in own
