"""The county: 19 departments, 406 items, the rules that join them, and a year of decisions. Synthetic throughout, seeded."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, insert, update

from hub.deciding.decided_case import DecidedCase, DecisionFacts, LicenceFacts, PartyFacts, StepFacts
from hub.department import Department, DepartmentKey
from hub.identifiers import licence_identifier
from hub.item import ServiceItem
from hub.joining.change_channel import add_web_department
from hub.ports import Desk
from hub.pushing.rules.add_rule import add_rule
from hub.register_department import add_department
from hub.workday import is_working
from schemas import dumps
from storage.signing import Signer

ITEMS = 406
APPROVING = "xzsp"
#: Code -> name, roles, how it is joined.
BODIES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "scjg": ("市场监督管理局", ("supervising",), "table"),
    "wjw": ("卫生健康局", ("supervising",), "folder"),
    "zhzf": ("综合行政执法局", ("enforcing",), "table"),
    "zrzy": ("自然资源局", ("supervising",), "table"),
    "zjj": ("住房和城乡建设局", ("supervising",), "folder"),
    "jtj": ("交通运输局", ("supervising",), "table"),
    "nync": ("农业农村局", ("supervising",), "table"),
    "slj": ("水利局", ("supervising",), "folder"),
    "sthj": ("生态环境局", ("supervising",), "rest"),
    "yjgl": ("应急管理局", ("supervising",), "table"),
    "gaj": ("公安局", ("supervising",), "table"),
    "wlj": ("文化和旅游局", ("supervising",), "outsider"),
    "jyj": ("教育局", ("supervising",), "folder"),
    "mzj": ("民政局", ("supervising",), "table"),
    "rsj": ("人力资源和社会保障局", ("supervising",), "table"),
    "lyj": ("林业局", ("supervising",), "folder"),
    "xfjy": ("消防救援大队", ("supervising",), "web"),
    "qxj": ("气象局", ("supervising",), "table"),
}
_USCC = "11370100MB00000194"
_OFFICE = "示范县行政审批服务局"


@dataclass(frozen=True, slots=True)
class Item:
    """One item and whom its decisions concern."""

    code: str
    name: str
    departments: tuple[str, ...]
    licence: bool


def items() -> list[Item]:
    """406 items: each its own department's, every third the fire brigade's too, every fifth the environment's, ..."""
    codes = list(BODIES)
    made = []
    for number in range(1, ITEMS + 1):
        own = codes[number % len(codes)]
        also = {
            code
            for every, code in ((3, "xfjy"), (5, "sthj"), (9, "zhzf"), (11, "wlj"))
            if number % every == 0
        }
        departments = tuple(sorted({own, *also}))
        made.append(
            Item(f"SX-{number:03d}", f"{BODIES[own][0]}示范事项{number:03d}", departments, number % 5 < 3)
        )
    return made


def settle(tx: Connection, signers: dict[str, Signer], desk: Desk) -> list[Item]:
    """Departments, items and rules: one rule for each set of departments."""
    for code, (name, roles, how) in BODIES.items():
        if how == "web":
            add_web_department(tx, desk, code=code, name=f"示范县{name}", roles=list(roles), actor="user:t")
            continue
        key = signers[code]
        add_department(
            tx, code=code, name=f"示范县{name}", roles=list(roles), public_pem=key.public_pem, kid=key.kid, actor="user:t"
        )  # fmt: skip
    # The year has begun before the test does: keys must be good from its first day.
    tx.execute(update(DepartmentKey).values(valid_from=at_local(date(2025, 12, 1), 0)))
    tx.execute(insert(Department).values(code=APPROVING, name=_OFFICE, roles=["approving"], uscc=_USCC))
    made = items()
    tx.execute(insert(ServiceItem), [{"code": one.code, "name": one.name} for one in made])
    for departments in sorted({one.departments for one in made}):
        mine = [one.code for one in made if one.departments == departments]
        hears = ["enforcement"] if "zhzf" in departments else []
        add_rule(
            tx,
            f"推送{'、'.join(departments)}",
            dict.fromkeys(departments, 3),
            actor="user:t",
            item_codes=mine,
            hears=hears,
        )
    return made


def working_days(first: date, last: date, calendar: dict[date, bool]) -> list[date]:
    """Every day that is worked."""
    span = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in span if is_working(day, calendar)]


def spread(count: int, days: Sequence[date]) -> Iterator[tuple[date, int]]:
    """`count` decisions over `days`, as evenly as whole numbers go."""
    done = 0
    for n, day in enumerate(days, 1):
        until = count * n // len(days)
        yield day, until - done
        done = until


def at_local(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of a local day, in UTC."""
    return datetime.combine(day, time(hour, minute), tzinfo=UTC) - timedelta(hours=8)


def decision(number: int, day: date, item: Item, area: str, chance: random.Random) -> DecidedCase:
    """The number-th decision of the year."""
    party = chance.randrange(3000)
    name = f"示范县第{party:04d}商行"
    document_no = f"示许〔2026〕{number:05d}号"
    elements = {"XK_XDR_MC": name, "XK_WSH": document_no, "XK_NR": item.name}
    took = at_local(day, 9)
    licence = None
    if item.licence:
        licence = LicenceFacts(
            identifier=licence_identifier(f"{_USCC}{int(item.code[3:]):03d}", _USCC, f"{area}Y{number:08d}"),
            name=f"{item.name}许可证",
            number=f"SX{number:08d}",
            type_code=f"{_USCC}{int(item.code[3:]):03d}",
            issuer_code=_USCC,
            issuer_name=_OFFICE,
            issued_on=day,
            valid_from=day,
            valid_to=day.replace(year=day.year + 5) if (day.month, day.day) != (2, 29) else None,
        )
    return DecidedCase(
        case_no=f"{area}{day:%Y%m%d}{number:06d}",
        name=f"{name} {item.name}",
        item_code=item.code,
        item_name=item.name,
        party=PartyFacts("legal", name, f"91990101MA{party:06d}0X", "001", f"示例{party:04d}"),
        org_code=_USCC,
        org_name=_OFFICE,
        area_code="990101",
        decision=DecisionFacts(
            document_no=document_no,
            document_name="准予行政许可决定书",
            decided_on=day,
            result_type="0",
            explanation="准予",
            elements=elements,
            content_hash=hashlib.sha256(dumps(elements)).digest(),
            decided_by=_OFFICE,
        ),
        steps=(
            StepFacts("受理", "受理", took, took, _OFFICE, _USCC, "示例甲"),
            StepFacts("决定", "通过", took, took + timedelta(minutes=30), _OFFICE, _USCC, "示例乙", "同意"),
        ),
        licence=licence,
    )
