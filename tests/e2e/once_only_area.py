"""What "once only" is played on: three items of two departments, their material types, the grants, the clerks.

All of it is made by the hub's own use cases and commands, as data administrators and departments would.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, insert

from hub.catalogue.draft_item import draft_item, set_form, set_requirements
from hub.catalogue.draft_type import add_type, set_type
from hub.catalogue.fields import FieldDef
from hub.catalogue.item_lines import Line
from hub.catalogue.licence_types import add_licence_type
from hub.catalogue.publish_item import publish_item
from hub.catalogue.publish_type import publish_type
from hub.item import ServiceItem
from hub.ports import Desk
from hub.sharing.apply_for_grant import Application, apply_for_grant
from hub.sharing.decide_grant import decide_grant
from hub.sharing.person import Person
from hub.sharing.review_grant import review_grant
from hub.workday import LOCAL
from tests.e2e.running_hub import RunningHub

OFFICE, HEALTH = "xzsp", "wjw"
ADMIN = "user:data_admin"
LICENCE_TYPE = "11370100MB00000194901"
LICENCE_NAME = "示例食品经营许可证"
FIRST, SECOND, THIRD = "YC-001", "YC-002", "YC-003"
NAMES = {FIRST: "示例食品经营许可", SECOND: "示例从业场所卫生备案", THIRD: "示例集体配餐登记"}
PASSWORD = "once only, once only"
CLERKS = {"once-li": ("李窗口", OFFICE), "once-wang": ("王窗口", HEALTH)}

_ADDRESS = FieldDef("address", "经营场所", "text", True)
#: code, name, header, fields
_TYPES: tuple[tuple[str, str, dict[str, object], tuple[FieldDef, ...]], ...] = (
    ("YC-M1", "示例主体资格证明", {}, (_ADDRESS,)),
    ("YC-M2", "示例负责人身份证明", {"consent_required": True}, ()),
    ("YC-M3", "示例场所平面图", {}, ()),
    ("YC-M4", "示例健康证明", {}, ()),
    ("YC-M5", "示例申请书", {"sharing": "none", "sharing_basis": "一事一表，仅供本事项办理"}, ()),
    ("YC-M6", "示例卫生检测报告", {}, ()),
    ("YC-M7", "示例许可证复印件", {}, ()),
)
_BY_LICENCE = Line("YC-M7", stand_ins=(("licence", LICENCE_TYPE),))
_LISTS = {
    FIRST: tuple(Line(f"YC-M{number}") for number in range(1, 6)),
    SECOND: (Line("YC-M1"), Line("YC-M2"), Line("YC-M3"), _BY_LICENCE, Line("YC-M6")),
    THIRD: (Line("YC-M1"), _BY_LICENCE),
}
_SHARED = (("material", "YC-M1"), ("material", "YC-M2"), ("material", "YC-M3"), ("licence", LICENCE_TYPE))


def fill(tx: Connection, desk: Desk) -> None:
    """The catalogue and the grants."""
    sharing = {
        "sharing": "conditional",
        "sharing_conditions": "依职责办理政务服务事项所需",
        "sharing_basis": "",
    }
    add_licence_type(tx, LICENCE_TYPE, {"name": LICENCE_NAME, "provider": OFFICE, **sharing}, actor=ADMIN)
    for code, name, header, fields in _TYPES:
        draft = add_type(tx, code=code, name=name, actor=ADMIN)
        set_type(tx, draft, {"provider": OFFICE, **header}, fields, actor=ADMIN)
        publish_type(tx, draft, actor=ADMIN)
    for code, lines in _LISTS.items():
        licensed = {"licence_type_code": LICENCE_TYPE, "licence_name": LICENCE_NAME} if code == FIRST else {}
        row = {"code": code, "name": NAMES[code], "legal_days": 20, "promised_days": 5, **licensed}
        tx.execute(insert(ServiceItem).values(row))
        item = draft_item(tx, code, actor=ADMIN)
        set_form(tx, item, (_ADDRESS,), actor=ADMIN)
        set_requirements(tx, item, lines, actor=ADMIN)
        publish_item(tx, item, actor=ADMIN)
    for kind, code in _SHARED:
        _granted(tx, kind, code, desk)


def _granted(tx: Connection, kind: str, code: str, desk: Desk) -> None:
    """Applied for by the health office, reviewed by the data administrator, granted by the approval office."""
    today = desk.clock().astimezone(LOCAL).date()
    wanted = Application(
        kind, code, HEALTH, "卫生许可管理办法", "办理卫生类事项", "相对人提交过的材料", today, today + timedelta(days=200)
    )  # fmt: skip
    grant = apply_for_grant(tx, wanted, desk, person=Person("user:health", HEALTH))
    review_grant(tx, grant, desk, person=Person(ADMIN, None, administers=True), note="依据充分")
    assert decide_grant(tx, grant, desk, person=Person("user:office", OFFICE), grant=True) == "granted"


def add_clerks(hub: RunningHub) -> None:
    """One clerk for each of the two departments."""
    word = hub.data.parent / "once-password"
    word.write_text(PASSWORD, "utf-8")
    for name, (shown, department) in CLERKS.items():
        made = hub.command(
            "user", "add", name, "--role", "clerk", "--name", shown, "--department", department,
            "--password-file", str(word),
        )  # fmt: skip
        assert made.code == 0, made.err


def five_files(folder: Path) -> list[Path]:
    """Seven small pictures, none like another."""
    from PIL import Image, ImageDraw

    folder.mkdir(exist_ok=True)
    made = []
    for number in range(1, 8):
        picture = Image.new("RGB", (420, 594), "white")
        ImageDraw.Draw(picture).text((40, 60), f"SAMPLE {number}", fill="black")
        made.append(folder / f"sample-{number}.pdf")
        picture.save(made[-1])
    return made
