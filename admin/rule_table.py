"""A table of rules as a screen: who may edit adds, rewords, retires and revives rules in place; what is refused stays typed.

Guarantees: a refusal is a sentence above the table, with the form that was sent still open and filled in; retiring asks for
a reason. What a rule says, and what changing one does, is its subclass's.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from admin.pages import Screen, reason, sentence_on_refusal, to
from admin.premises import here, may
from hub.errors import HubError, Rejected

_back = to(".list", number=None)  # of the view that the request is for


class RuleTable(Screen):
    """A table of rules. Subclasses keep `list` their own where it shows more."""

    default_view = "list"
    table_template: ClassVar[str]

    @abstractmethod
    def shown(self, tx: Connection) -> dict[str, Any]:
        """What the template gets: rows, and what their forms choose from."""

    @abstractmethod
    def saved(self, tx: Connection, number: int | None) -> str:
        """Save what the form says as a new rule or in the place of one; the sentence that says so."""

    @abstractmethod
    def switched(self, tx: Connection, number: int, why: str | None) -> None:
        """Take a rule out of use, with a reason; or, without one, into use again."""

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """The table."""
        with here().engine.connect() as tx:
            return self.table(tx)

    @expose("/save", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self) -> str | Response:
        """A new rule, or another wording of one."""
        number = request.form.get("number", "")
        try:
            with here().engine.begin() as tx:
                said = self.saved(tx, int(number[:9]) if number.isdecimal() else None)
        except HubError as error:
            with here().engine.connect() as tx:
                return self.table(tx, fault=error.message, opened=number or "new")
        flash(said, "success")
        return redirect(url_for(".list"))

    @expose("/<int:number>/retire", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(_back)
    def retire(self, number: int) -> Response:
        """Out of use."""
        why = reason()
        with here().engine.begin() as tx:
            self.switched(tx, number, why)
        flash(gettext("规则 %(n)s 已停用。", n=number), "success")
        return redirect(url_for(".list"))

    @expose("/<int:number>/revive", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(_back)
    def revive(self, number: int) -> Response:
        """Into use again."""
        with here().engine.begin() as tx:
            self.switched(tx, number, None)
        flash(gettext("规则 %(n)s 已启用。", n=number), "success")
        return redirect(url_for(".list"))

    def table(self, tx: Connection, *, fault: str = "", opened: str = "", **more: Any) -> str:
        """The page; `opened` is the rule whose form is open: its number, or `new`."""
        return self.page(
            self.table_template,
            fault=fault,
            opened=opened,
            given=request.form,
            can_edit=may("can_edit", type(self).__name__),
            **{**self.shown(tx), **more},
        )


def number_of(box: str, otherwise: str, *, empty: str = "") -> int | None:
    """A whole number of a form's box; None where it is empty. Raises Rejected with the sentence."""
    text = request.form.get(box, empty).strip() or empty
    if not text:
        return None
    if not text.isdecimal() or len(text) > 5:
        raise Rejected(otherwise)
    return int(text)
