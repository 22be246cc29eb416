"""The shape of our own pages: a list with its export, and one sentence for what a use case refuses."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ClassVar

from flask import Response, flash, redirect, request, stream_with_context, url_for
from flask_appbuilder import BaseView as FabBaseView
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import ColumnElement

from admin import listing
from admin.in_words import in_words
from admin.premises import here, may
from admin.sheets import guarded, workbook
from hub.errors import HubError, Rejected

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Screen(FabBaseView):
    """A page of ours."""

    def page(self, template: str, **values: Any) -> str:
        """Render a template of ours inside the frame."""
        rendered: str = self.render_template(f"shenguan/{template}", appbuilder=self.appbuilder, **values)
        return rendered


class ListScreen(Screen):
    """A list of facts: `listing` says which."""

    listing: ClassVar[listing.Listing]
    list_template = "list.html"
    default_view = "list"

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions that always hold for the signed-in user."""
        return ()

    def extras(self) -> dict[str, Any]:
        """What the template gets beside the page."""
        return {}

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """The list."""
        return self.shown_list()

    def shown_list(self) -> str:
        """The list as a page, for a view that has it under another address, too."""
        with here().engine.connect() as tx:
            page = listing.open_page(tx, self.listing, *self.confined())
        can_export = may("can_export", type(self).__name__)
        return self.page(
            self.list_template, title=self.listing.title, page=page, can_export=can_export, **self.extras()
        )


class ExportedList(ListScreen):
    """A list that can be taken away as CSV or XLSX."""

    @expose("/export.<kind>")
    @has_access
    @permission_name("export")
    def export(self, kind: str) -> Response:
        """The filtered list as a file, at most 50,000 rows."""
        return as_file(self._rows(), kind, type(self).__name__.removesuffix("View").lower())

    def _rows(self) -> Iterator[list[str]]:
        with here().engine.connect() as tx:
            yield from listing.every_row(tx, self.listing, *self.confined())


def as_file(rows: Iterator[list[str]], kind: str, name: str) -> Response:
    """Rows, their heading first, as an .xlsx or a .csv to take away; never all in memory."""
    pieces, media = (workbook(rows), XLSX) if kind == "xlsx" else (_csv(rows), "text/csv; charset=utf-8")
    ending = "xlsx" if kind == "xlsx" else "csv"
    return Response(
        stream_with_context(pieces),
        mimetype=media,
        headers={"Content-Disposition": f"attachment; filename={name}.{ending}"},
    )


def _csv(rows: Iterator[list[str]]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"  # Excel opens UTF-8 rightly only with it
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([guarded(value) for value in row])
        yield line.getvalue().encode()


def sentence_on_refusal(back: Callable[..., str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A button's handler: what a use case refuses becomes a sentence on the page that `back` names."""

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handler)
        def guarded_handler(*args: Any, **kwargs: Any) -> Any:
            try:
                return handler(*args, **kwargs)
            except HubError as error:
                flash(in_words(error.message), "danger")
                return redirect(back(**kwargs))

        return guarded_handler

    return decorate


def reason() -> str:
    """The reason that a button asks for."""
    given = request.form.get("reason", "").strip()
    if len(given) < 2:
        raise Rejected(gettext("请写明理由（至少两个字），它会记入留痕账本。"))
    return given[:500]


def to(endpoint: str, **fixed: Any) -> Callable[..., str]:
    """Where to go back to."""
    return lambda **kwargs: url_for(endpoint, **{**fixed, **kwargs})
