"""What kinds of endpoints and messages are called, in the reader's language."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask_babel import gettext

from admin.connecting.kind_forms import english, told
from schemas.connector.document import IN_KINDS, OUT_MESSAGES
from schemas.connector.kinds import kind_form, kind_names
from schemas.connector.titles import TITLES

#: The order of the cards: what most departments have comes first.
_FIRST = ("sql", "up_tables", "folder", "sftp", "http", "s3", "kafka", "mail")


def message_title(message: Any) -> str:
    """What a message is called."""
    zh, en = TITLES.get(str(message), (str(message), str(message)))
    return en if english() else zh


def kind_title(kind: Any) -> str:
    """What a kind of endpoint is called."""
    return told(kind_form(str(kind)), "title") if kind in kind_names() else str(kind)


def kind_cards() -> list[dict[str, Any]]:
    """Every kind: its name, title, what it is for, and which ways it can."""
    order = {kind: at for at, kind in enumerate(_FIRST)}
    cards = []
    for kind in sorted(kind_names(), key=lambda one: (order.get(one, len(order)), one)):
        form = kind_form(kind)
        ways = form.get("directions", ())
        cards.append(
            {
                "kind": kind,
                "title": told(form, "title"),
                "summary": told(form, "summary"),
                "ways": gettext("送出和收取")
                if len(ways) > 1
                else gettext("只能送出")
                if "out" in ways
                else gettext("只能收取"),
            }
        )
    return cards


def message_groups() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What can go out and come in, for choosing."""
    return [
        ("out", gettext("送给部门"), [(one, message_title(one)) for one in OUT_MESSAGES]),
        ("in", gettext("从部门收取"), [(one, message_title(one)) for one in IN_KINDS]),
    ]


def mapping_url(code: str, flow: Any) -> str:
    """Where the mapping of a flow is edited."""
    return _url("ConnectorMappingView.edit", code=code, flow=flow)


def import_url() -> str:
    """Where a file is brought in as a connector; '' where there is no such page."""
    return _url("ConnectorExchangeView.bring")


def compare_url(code: str, **values: Any) -> str:
    """Where two versions are compared; '' where there is no such page."""
    return _url("ConnectorVersionView.compare", code=code, **values)


def export_url(code: str, version: int) -> str:
    """Where a version can be taken away as a file."""
    return _url("ConnectorVersionView.export", code=code, version=version, name=f"{code}-v{version}")


def _url(endpoint: str, **values: Any) -> str:
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""
