"""目录的 Excel 导入导出."""

from __future__ import annotations

from flask_appbuilder import expose, has_access, permission_name
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from admin.pages import Screen


class CatalogueView(Screen):
    """Excel 导入导出."""

    route_base = "/catalogue"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("exchange")
    def index(self) -> str | Response:
        """The form."""
        return self.page("catalogue_exchange.html", title=_("目录导入导出"))

    @expose("/export.xlsx")
    @has_access
    @permission_name("exchange")
    def export(self) -> str | Response:
        """The workbook."""
        return self.index()
