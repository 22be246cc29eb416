"""Call 调用: one department asking for licences, for a stated use; who may, and the record of it.

Guarantees: the department that issued a licence may; another one needs a grant for the type that is in force, covers the
item it names and was not refused consent; a type that is not shared is nobody else's. Every call is in the ledger with
its result, the refused ones too (`record_call` in a transaction of its own).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.errors import Denied, Rejected
from hub.ledger import Entry, record
from hub.read_file import checked_use
from hub.workday import LOCAL
from schemas import code_table

CONSENT_LONGEST = 200


class UnknownHolderType(Rejected):
    """持证主体代码类型代码不符合规范。请使用 GB/T 36903 的代码。"""


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, what for, when. `item_code` and `consent` where the grant or the type asks for them."""

    department: str
    use: str
    at: datetime
    item_code: str = ""
    consent: str = ""

    @property
    def on(self) -> date:
        """Today, where the hub is."""
        return self.at.astimezone(LOCAL).date()

    @property
    def actor(self) -> str:
        """As the ledger names it."""
        return f"department:{self.department}"


@dataclass(frozen=True, slots=True)
class Access:
    """What a department may see of a type: these of its fields, or all where `fields` is empty."""

    fields: tuple[str, ...] = ()

    def shows(self, name: str) -> bool:
        """Whether this field is among them."""
        return not self.fields or name in self.fields


def call_of(department: str, said: Mapping[str, Any], at: datetime) -> Call:
    """The call that a request makes. Raises Rejected without a stated use."""
    return Call(
        department,
        checked_use(word(said, "useCause", 400)),
        at,
        word(said, "itemCode", 50),
        word(said, "consent", CONSENT_LONGEST),
    )


def word(said: Mapping[str, Any], name: str, longest: int = 200) -> str:
    """A string of a request, or ''. Raises Rejected where it is something else or endless."""
    value = said.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Rejected(f"{name} 应为字符串。")
    value = value.strip()
    if len(value) > longest:
        raise Rejected(f"{name} 至多 {longest} 个字符，现有 {len(value)} 个。")
    if "\x00" in value:
        raise Rejected(f"{name} 含有不允许的控制字符。")
    return value


def needed(said: Mapping[str, Any], name: str, longest: int = 200) -> str:
    """The same, not empty."""
    value = word(said, name, longest)
    if not value:
        raise Rejected(f"缺少 {name}。")
    return value


def holder_type(said: Mapping[str, Any]) -> str:
    """holderTypeCode, one of GB/T 36903. Raises UnknownHolderType."""
    code = word(said, "holderTypeCode", 10)
    if code not in code_table("holder_code_type"):
        known = "、".join(f"{key} {value}" for key, value in code_table("holder_code_type").items())
        raise UnknownHolderType(f"持证主体代码类型代码“{code}”不符合规范，应为：{known}。")
    return code


_ACCESS = text("""
SELECT t.name, t.sharing, t.consent_required, d.name AS provider, g.id AS grant_id, g.fields, g.item_codes
FROM licence_types t
LEFT JOIN departments d ON d.code = t.provider
LEFT JOIN LATERAL (
  SELECT id, fields, item_codes FROM grants
  WHERE department = :department AND resource_kind = 'licence' AND resource_code = t.code AND state = 'granted'
    AND :on BETWEEN period_from AND period_to
  ORDER BY (cardinality(item_codes) = 0) DESC, (:item = ANY(item_codes)) DESC, period_to DESC LIMIT 1) g ON true
WHERE t.code = :type AND t.active
""")


def access(tx: Connection, call: Call, type_code: str, *, issued_by: str | None) -> Access:
    """What the caller may see of a licence of this type, issued by that department. Raises Denied with what to do."""
    if issued_by is not None and issued_by == call.department:
        return Access()
    row = tx.execute(
        _ACCESS,
        {"department": call.department, "on": call.on, "item": call.item_code, "type": type_code},
    ).one_or_none()
    if row is None:
        raise Denied(f"证照类型 {type_code} 不在本中心的共享目录里，不能调用。请联系数据管理员登记。")
    if row.sharing == "none":
        raise Denied(f"“{row.name}”属于不予共享的证照，不能调用。")
    if row.grant_id is None:
        provider = row.provider or "数据管理员"
        raise Denied(f"本部门没有访问“{row.name}”的权限。请先在“共享授权”里向{provider}申请。")
    if row.item_codes and call.item_code not in row.item_codes:
        raise Denied(
            f"本部门访问“{row.name}”的授权只用于事项 {'、'.join(row.item_codes)}。请在 itemCode 写明其中之一。"
        )
    if row.consent_required and not call.consent:
        raise Denied(f"使用“{row.name}”须经持证人同意。请在 consent 写明同意的方式和同意人。")
    return Access(tuple(row.fields))


def record_call(
    tx: Connection, call: Call | str, api: str, subject: str, *, result: int, why: str = "", **detail: Any
) -> None:
    """One call in the ledger; of one whose request could not be read, only the caller is known. `result` was answered."""
    told: dict[str, Any] = {"api": api, "result": result, **detail}
    actor, use = (call, None) if isinstance(call, str) else (call.actor, call.use)
    if why:
        told["why"] = why
    if not isinstance(call, str):
        told |= {
            name: value for name, value in (("item", call.item_code), ("consent", call.consent)) if value
        }
    action = "licence.shared" if result == 0 else "licence.share_refused"
    record(tx, Entry(actor, action, subject[:200], None, use, told))
