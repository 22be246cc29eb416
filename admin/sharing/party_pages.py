"""谁用过我的材料: what the applicant may be shown and given on paper; opening it is on the record."""

from __future__ import annotations

from flask_appbuilder import expose, has_access, permission_name
from flask_babel import lazy_gettext as _

from admin.pages import Screen
from admin.premises import actor, here
from admin.sharing.people import department_names, identifier
from hub.reuse.who_used import who_used


class PartyUsesView(Screen):
    """谁用过我的材料."""

    route_base = "/reuse/party"

    @expose("/<number>")
    @has_access
    @permission_name("show")
    def show(self, number: str) -> str:
        """Uses, readings and consents of one party."""
        with here().engine.begin() as tx:
            found = who_used(tx, identifier(number), actor=actor(), reason="应申请人要求出示")
            names = department_names(tx)
        return self.page(
            "sharing_party.html", title=_("谁用过我的材料"), found=found, names=names, by=actor()
        )
