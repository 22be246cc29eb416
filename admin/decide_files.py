"""Writing a decision with its files and its licence: stored whole first, then one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, select, update
from werkzeug.datastructures import FileStorage

from admin.media import media_type_of
from admin.premises import actor, here
from hub.add_material import StoredFacts, add_material, standing_object
from hub.case import Case
from hub.deciding.decide import ACCEPTED, decide
from hub.deciding.decided_case import DecidedCase
from hub.department import Department
from hub.errors import Conflict, HubError, Rejected
from hub.open_case import open_case

LARGEST = 200 * 1024 * 1024


def decide_with_files(
    case: DecidedCase, uploads: Sequence[FileStorage], *, new: bool
) -> tuple[str, tuple[str, ...]]:
    """The case number, and the names of the departments that it was pushed to."""
    files = here().config.files
    if uploads and files is None:
        raise Rejected(gettext("本中心没有配置文件存储，不能上传材料。"))
    stored = []
    try:
        for upload in uploads:
            media_type = media_type_of(upload)
            stored.append((upload, files.put(upload.stream, media_type=media_type, max_size=LARGEST)))
        with here().engine.begin() as tx:
            departments = _write(tx, case, stored, new=new)
            standing = {bytes(file.sha256): standing_object(tx, file.sha256) for _upload, file in stored}
    except (
        HubError
    ):  # surely not committed; after any other failure the sweep decides, lest a file in use be deleted
        for _upload, file in stored:
            files.delete(file.object_name)
        raise
    for _upload, file in stored:  # the same bytes were stored before: keep one
        if standing[bytes(file.sha256)] != file.object_name:
            files.delete(file.object_name)
    return case.case_no, departments


def _write(
    tx: Connection, case: DecidedCase, stored: Sequence[tuple[FileStorage, Any]], *, new: bool
) -> tuple[str, ...]:
    desk = here().config.desk
    if new:
        _open(tx, case)
    for upload, file in stored:
        add_material(
            tx,
            case_no=case.case_no,
            name=(upload.filename or "material").replace("\\", "/").rsplit("/", 1)[-1][:120],
            media_type=file.media_type,
            stored=StoredFacts(file.sha256, file.object_name, file.size, file.wrapped_key),
            actor=actor(),
        )
    outcome = decide(tx, [case], desk, actor=actor())[0]
    if outcome.verdict != ACCEPTED:
        raise Conflict(
            gettext(
                "决定文书号 %(no)s 已被办件 %(case_no)s 使用。",
                no=case.decision.document_no,
                case_no=outcome.first_case_no,
            )
        )
    names = tx.execute(select(Department.name).where(Department.code.in_(outcome.departments))).scalars()
    return tuple(names)


def refuse_known(tx: Connection, case: DecidedCase) -> None:
    """Raises Conflict where the decision stands already."""
    if tx.scalar(select(Case.case_no).where(Case.case_no == case.case_no)):
        raise Conflict(
            gettext(
                "决定文书号 %(no)s 已经登记过（办件 %(case_no)s）。",
                no=case.decision.document_no,
                case_no=case.case_no,
            )
        )


def _open(tx: Connection, case: DecidedCase) -> None:
    refuse_known(tx, case)
    open_case(tx, case, here().config.desk, actor=actor())
    # The department that decides handles the case: its users see it afterwards.
    mine = select(Department.code).where(Department.uscc == case.org_code, Department.active).limit(1)
    tx.execute(update(Case).where(Case.case_no == case.case_no).values(department=mine.scalar_subquery()))
