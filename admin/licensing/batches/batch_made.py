"""The licences that a batch made, or found made, as a list."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select

from admin import cells
from admin.listing import Column, Listing
from hub.licensing.batches.batch import LicenceBatchRow
from hub.licensing.licence import Licence
from hub.party import Party


def _rows() -> Select[Any]:
    return (
        select(
            LicenceBatchRow.row,
            LicenceBatchRow.state,
            LicenceBatchRow.done_at,
            Licence.id.label("licence"),
            Licence.number,
            Licence.name,
            Licence.status,
            Party.name.label("party"),
        )
        .select_from(LicenceBatchRow)
        .join(Licence, Licence.id == LicenceBatchRow.licence_id)
        .join(Party, Party.id == Licence.party_id)
    )


MADE = Listing(
    title=_("办成的证照"),
    query=_rows,
    columns=(
        Column("row", _("行号"), lambda r: r.row, LicenceBatchRow.row, narrow=True),
        Column("number", _("证照编号"), lambda r: cells.mono(r.number), Licence.number, narrow=True),
        Column("name", _("证照名称"), lambda r: cells.clip(r.name, 20), Licence.name),
        Column("party", _("持证主体"), lambda r: cells.clip(r.party, 20), Party.name, narrow=True),
        Column(
            "state",
            _("结果"),
            lambda r: cells.word("batch_row_state", r.state),
            LicenceBatchRow.state,
            lambda r: cells.word_text("batch_row_state", r.state),
        ),
        Column(
            "status",
            _("证照状态"),
            lambda r: cells.code("licence_status", r.status),
            Licence.status,
            lambda r: cells.code_text("licence_status", r.status),
        ),
        Column("done_at", _("办成时间"), lambda r: cells.when(r.done_at), LicenceBatchRow.done_at),
    ),
    order=(LicenceBatchRow.row,),
    search=(Licence.number, Party.name),
    search_hint=_("证照编号、持证主体"),
    href=lambda r: url_for("LicenceView.show", licence=r.licence),
    empty=_("还没有办成的证照。"),
)
