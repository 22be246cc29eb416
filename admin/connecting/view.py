"""ConnectorView: the list, one connector, and the parts that set it up, try it, run it and watch it."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_appbuilder import expose, has_access, permission_name
from sqlalchemy import ColumnElement

from admin.connecting.connector_list import LISTING
from admin.connecting.life_pages import LifePages
from admin.connecting.reading import read, seen
from admin.connecting.rights import CONNECTOR_RIGHTS
from admin.connecting.setup_pages import SetupPages
from admin.connecting.steps import go_on, steps_of
from admin.connecting.try_pages import TryPages
from admin.connecting.watch_pages import WatchPages
from admin.premises import here, may


class ConnectorView(SetupPages, TryPages, LifePages, WatchPages):
    """部门连接器."""

    route_base = "/connectors"
    list_template = "connectors.html"
    listing = LISTING
    base_permissions: ClassVar = list(CONNECTOR_RIGHTS)

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees the own department's."""
        return seen()

    def extras(self) -> dict[str, Any]:
        """Whether there is a button to begin."""
        return {"can_edit": may("can_edit", "ConnectorView")}

    @expose("/<code>")
    @has_access
    @permission_name("show")
    def show(self, code: str) -> str:
        """One connector: the steps, what each lacks, and how it runs."""
        with here().engine.connect() as tx:
            shown = read(tx, code)
        steps = steps_of(shown)
        return self.page(
            "connector.html",
            title=shown.row["title"],
            shown=shown,
            steps=steps,
            at="",
            go_on=go_on(steps),
        )
