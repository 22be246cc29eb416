"""Licences taken away: the national columns as a file, and signed files as a ZIP, of a batch or of the filtered list.

Guarantees: what may be taken is what the list shows this user, filtered as there; a use is stated where numbers of persons
are whole or files leave, and everything is in the ledger before the first byte.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, request, stream_with_context, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Select, func, select
from werkzeug.wrappers import Response as Answer

from admin import listing
from admin.licensing.batches.zip_stream import zipped
from admin.licensing.licence_pages import LISTING
from admin.licensing.seeing import visible
from admin.pages import Screen, as_file, sentence_on_refusal
from admin.premises import actor, here, own_department
from hub.errors import Rejected, Unavailable
from hub.licensing.batches.batch import LicenceBatchRow
from hub.licensing.batches.batch_control import batch_row
from hub.licensing.batches.export_licences import MOST, as_json, as_rows, exported, note_export
from hub.licensing.batches.take_files import MOST as MOST_FILES
from hub.licensing.batches.take_files import TakenFile, take_files
from hub.licensing.licence import Licence

FORMS = {"xlsx": "XLSX", "csv": "CSV", "json": "JSON"}


class LicenceFilesView(Screen):
    """导出证照."""

    route_base = "/licence-exports"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("export")
    @sentence_on_refusal(lambda **_kept: url_for("LicenceFilesView.index", **_chosen()))
    def index(self) -> str | Response | Answer:
        """What the list's filter chooses; on POST, the file."""
        licences = _filtered()
        if request.method == "POST":
            return self._exported(licences)
        with here().engine.connect() as tx:
            count = tx.scalar(select(func.count()).select_from(licences.limit(MOST + 1).subquery())) or 0
        return self.page(
            "licence_export.html",
            title=_("导出证照"),
            count=count,
            most=MOST,
            most_files=MOST_FILES,
            chosen=_chosen(),
            forms=FORMS,
        )

    def _exported(self, licences: Select[Any]) -> Response:
        form = request.form.get("form", "xlsx")
        if form not in FORMS:
            raise Rejected(gettext("请选择文件格式。"))
        complete = request.form.get("complete") == "1"
        with here().engine.begin() as tx:
            note_export(
                tx,
                licences,
                actor=actor(),
                form=form,
                complete=complete,
                stated_use=request.form.get("use", ""),
                chosen=_chosen(),
            )
        found = _found(licences, complete)
        if form != "json":
            return as_file(as_rows(found), form, "licences")
        return Response(
            stream_with_context(as_json(found)),
            mimetype="application/json",
            headers={"Content-Disposition": "attachment; filename=licences.json"},
        )

    @expose("/files", methods=["POST"])
    @has_access
    @permission_name("download")
    @sentence_on_refusal(lambda **_kept: url_for("LicenceFilesView.index", **_chosen()))
    def files(self) -> Response:
        """The signed files of the filtered list."""
        return _zip(_filtered(), "licences", "licences")

    @expose("/batch/<uuid:batch>", methods=["POST"])
    @has_access
    @permission_name("download")
    @sentence_on_refusal(lambda batch: url_for("LicenceBatchView.show", batch=batch))
    def documents(self, batch: uuid.UUID) -> Response:
        """The signed files of a batch."""
        with here().engine.connect() as tx:
            batch_row(tx, batch, department=own_department())
        of_batch = select(LicenceBatchRow.licence_id).where(
            LicenceBatchRow.batch_id == batch, LicenceBatchRow.licence_id.is_not(None)
        )
        return _zip(of_batch, f"licence_batch:{batch}", f"batch-{batch.hex[:8]}")


def _chosen() -> dict[str, str]:
    """The list's filter, as it came in the address."""
    keys = {"q", "from", "to", *(choice.key for choice in LISTING.choices)}
    return {key: value[:80] for key, value in request.args.items() if key in keys and value}


def _filtered() -> Select[Any]:
    chosen: Mapping[str, str] = _chosen()
    return listing.narrowed(LISTING, chosen, *visible()).with_only_columns(Licence.id)


def _found(licences: Select[Any], complete: bool) -> Iterator[dict[str, str]]:
    desk = here().config.desk
    with here().engine.connect() as tx:
        yield from exported(tx, licences, desk.identities, area=desk.area, complete=complete)


def _zip(licences: Select[Any], subject: str, name: str) -> Response:
    store = here().config.files
    if store is None:
        raise Unavailable(gettext("本中心没有配置对象存储，不能下载文件。"))
    with here().engine.begin() as tx:
        files = take_files(
            tx, licences, actor=actor(), stated_use=request.form.get("use", ""), subject=subject
        )
    with store.open(files[0]):  # a store that is away is said in a sentence, not in a broken file
        pass

    def opened(one: TakenFile) -> Any:
        return store.open(one)

    return Response(
        stream_with_context(zipped(files, opened)),
        mimetype="application/zip",
        headers={"Content-Disposition": f"attachment; filename={name}.zip"},
    )
