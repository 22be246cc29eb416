"""The workbench's pages that look: find a party, the party, the case, the receipt.

Guarantees: a number is sent by POST and never stands in an address or a log; a wrong number, an unknown one and an empty
hub each get a page that says what to do next, with what was typed still there.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from werkzeug.wrappers import Response

from admin.decide_case import SHEET_WORDS, name_of
from admin.pages import Screen
from admin.premises import actor, here, may
from admin.workbench import office, wording
from admin.workbench.answers import asked
from admin.workbench.case_page import case_page
from admin.workbench.find import Found, look_up, note_looked_up
from admin.workbench.party_facts import party_facts
from admin.workbench.qr import address_of, qr_svg
from admin.workbench.recent import recent_cases
from admin.workbench.recognise import Typed, recognise
from hub.catalogue.published import published_items
from hub.reuse.receipt import case_receipt
from hub.workday import LOCAL

NATURAL_TYPES = tuple(SHEET_WORDS)


def today() -> Any:
    """The day at the window."""
    return here().config.desk.clock().astimezone(LOCAL).date()


class LookingPages(Screen):
    """Pages and questions that change nothing but the ledger."""

    @expose("/")
    @has_access
    @permission_name("use")
    def index(self) -> str:
        """Where a clerk begins."""
        return self._index()

    @expose("/find", methods=["POST"])
    @has_access
    @permission_name("use")
    def find(self) -> str | Response:
        """To the party or the case; else a page that says what to do."""
        text = request.form.get("q", "")
        typed = self._recognise(text)
        if typed.kind == "nothing":
            return redirect(url_for(".index"))
        if typed.fault:
            return self._index(q=text, typed=typed)
        with here().engine.connect() as tx:
            found = look_up(tx, typed, here().config.desk)
        if found.case_no:
            return redirect(url_for(".case", case_no=found.case_no))
        if len(found.parties) == 1:
            return redirect(url_for(".party", party=found.parties[0].id))
        return self._index(q=text, typed=typed, found=found)

    @expose("/check", methods=["POST"])
    @asked("use")
    def check(self) -> dict[str, Any]:
        """What is being typed, as far as it can be told, and the parties whose names begin so."""
        text = str((request.get_json(silent=True) or {}).get("q", ""))
        typed = self._recognise(text)
        names: list[dict[str, Any]] = []
        if typed.kind == "name" and not typed.fault:
            with here().engine.connect() as tx:
                found = look_up(tx, typed, here().config.desk)
            names = [
                {"name": one.name, "code": one.code_masked or "", "href": url_for(".party", party=one.id)}
                for one in found.parties[:8]
            ]
        return {
            "kind": typed.kind,
            "fault": typed.fault,
            "hint": typed.warning or _ready(typed),
            "parties": names,
        }

    @expose("/party/<uuid:party>")
    @has_access
    @permission_name("use")
    def party(self, party: uuid.UUID) -> str:
        """One party: licences, cases, what was reused; choose an item."""
        return self.party_page(party)

    def party_page(self, party: uuid.UUID, fault: str = "") -> str:
        """The page; `fault` where starting a case was refused."""
        with here().engine.begin() as tx:
            facts = party_facts(tx, party, today())
            note_looked_up(tx, facts.party, actor=actor())
            items = published_items(tx)
            sitting = office.seat(tx)
        return self.page(
            "workbench_party.html",
            title=gettext("窗口工作台"),
            facts=facts,
            items=items,
            seat=sitting,
            today=today(),
            fault=fault,
            can_accept=may("can_accept", "WorkbenchView"),
            sees_uses=_endpoint_exists("UsesView.list"),
        )

    @expose("/case/<case_no>")
    @has_access
    @permission_name("use")
    def case(self, case_no: str) -> str | Response:
        """One case; one that did not come through the window has only its trace."""
        with here().engine.connect() as tx:
            values = case_page(tx, case_no)
        if values is None:
            return redirect(url_for("CaseView.show", case_no=case_no))
        if request.args.get("part") == "body":
            return self.page("workbench_case_body.html", **values)
        return self.page("workbench_case.html", title=gettext("窗口工作台"), **values)

    @expose("/case/<case_no>/receipt")
    @has_access
    @permission_name("use")
    def receipt(self, case_no: str) -> str:
        """The printable receipt with its QR code."""
        address = address_of(here().config.desk.public_url, case_no)
        with here().engine.connect() as tx:
            found = case_receipt(tx, case_no)
        label = gettext("办件 %(case_no)s 的二维码", case_no=case_no)
        return self.page(
            "workbench_receipt.html",
            title=gettext("受理回执"),
            receipt=found,
            qr=qr_svg(address, label=label),
            taken_by=name_of(found.taken_by) or "",
            wording=wording,
            printed_at=datetime.now(LOCAL),
        )

    def _recognise(self, text: str) -> Typed:
        return recognise(text, here().config.desk.area, today=today())

    def _index(self, q: str = "", typed: Typed | None = None, found: Found | None = None, **more: Any) -> str:
        with here().engine.connect() as tx:
            sitting = office.seat(tx)
            mine = recent_cases(tx, sitting.office.code) if sitting.office else ()
            items = published_items(tx)
        fresh = (
            typed is not None and found is not None and typed.kind in ("uscc", "citizen", "number", "name")
        )
        return self.page(
            "workbench.html",
            title=gettext("窗口工作台"),
            q=q,
            typed=typed,
            found=found,
            seat=sitting,
            mine=mine,
            items=items,
            new_party=fresh and typed is not None and not found.parties and typed.kind != "name",
            natural_types=NATURAL_TYPES,
            given=request.form if request.method == "POST" else {},
            can_accept=may("can_accept", "WorkbenchView"),
            **{"fault": "", **more},
        )


def _ready(typed: Typed) -> str:
    said = {
        "uscc": gettext("统一社会信用代码，校验位正确。"),
        "citizen": gettext("公民身份号码，校验位正确。"),
        "case": gettext("办件编号。"),
    }
    return said.get(typed.kind, "")


def _endpoint_exists(endpoint: str) -> bool:
    from flask import current_app

    return re.fullmatch(r"\w+\.\w+", endpoint) is not None and endpoint in current_app.view_functions
