"""Resource 共享资源: what can be applied for - a material type, a licence type or the result of an item - seen alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.errors import NotFound

KIND_NAMES = {"material": "材料", "licence": "证照", "result": "办结结果"}

_RESOURCES = """
SELECT * FROM (
  SELECT 'material' AS kind, t.code, t.name, t.sharing, t.sharing_conditions AS conditions, t.sharing_basis AS basis,
         t.provider, t.consent_required, v.fields
  FROM material_types t
  JOIN material_type_versions v ON v.type_code = t.code AND v.number = t.published_version
  UNION ALL
  SELECT 'licence', t.code, t.name, t.sharing, t.sharing_conditions, t.sharing_basis, t.provider, t.consent_required,
         coalesce(v.fields, '[]'::jsonb)
  FROM licence_types t
  LEFT JOIN licence_type_versions v ON v.type_code = t.code AND v.state = 'published'
  WHERE t.active
  UNION ALL
  SELECT 'result', code, name, sharing, sharing_conditions, sharing_basis, NULL, false, '[]'::jsonb
  FROM service_items WHERE active
) r LEFT JOIN (SELECT code AS provider_code, name AS provider_name FROM departments) d ON d.provider_code = r.provider
"""


@dataclass(frozen=True, slots=True)
class Resource:
    """One entry of the catalogue that can be shared."""

    kind: str
    code: str
    name: str
    sharing: str
    conditions: str
    basis: str  # why it is not shared
    provider: str | None
    provider_name: str | None
    consent_required: bool
    fields: tuple[tuple[str, str], ...]  # (name, label)

    @property
    def title(self) -> str:
        """As a sentence names it."""
        return f"{KIND_NAMES[self.kind]}“{self.name}”"


def find_resource(tx: Connection, kind: str, code: str) -> Resource:
    """One resource that is in use. Raises NotFound."""
    row = tx.execute(
        text(f"{_RESOURCES} WHERE kind = :kind AND code = :code"), {"kind": kind, "code": code}
    ).one_or_none()
    if row is None:
        raise NotFound(
            f"目录里没有代码为“{code}”、正在使用的{KIND_NAMES.get(kind, '资源')}。请从列表里选择。"
        )
    return _resource(row)


def search_resources(tx: Connection, words: str, *, limit: int = 20) -> Sequence[Resource]:
    """Resources whose name or code contains every word; without words, the first ones."""
    conditions, values = ["true"], {"limit": limit}
    bound: dict[str, object] = dict(values)
    for number, word in enumerate(words.split()[:6]):
        conditions.append(f"(name ILIKE :w{number} OR code ILIKE :w{number})")
        escaped = word[:40].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        bound[f"w{number}"] = f"%{escaped}%"
    order = "ORDER BY array_position(ARRAY['material', 'licence', 'result'], kind), code LIMIT :limit"
    rows = tx.execute(text(f"{_RESOURCES} WHERE {' AND '.join(conditions)} {order}"), bound)
    return [_resource(row) for row in rows]


def _resource(row: Any) -> Resource:
    return Resource(
        row.kind,
        row.code,
        row.name,
        row.sharing,
        row.conditions,
        row.basis,
        row.provider,
        row.provider_name,
        row.consent_required,
        tuple((field["name"], field.get("label") or field["name"]) for field in row.fields),
    )
