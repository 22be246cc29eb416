"""The trust bundle: all that a department must know of the hub to join, as JSON.

Guarantees: holds nothing secret. The same document is at `<hub>/api/hub/trust-bundle` (there without the departments'
names); a connector reads either.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from hub.department import Department, source_of, topic_in, topic_out
from schemas import MAX_MESSAGE_BYTES, MESSAGE_TYPES
from shenguan import wiring
from shenguan.settings import Settings

Bundle = dict[str, Any]


def trust_bundle(tx: Connection, settings: Settings) -> Bundle:
    """Address, topics and public keys."""
    area = settings.area
    rows = tx.execute(
        select(Department.code, Department.name).where(Department.active).order_by(Department.code)
    )
    signer = wiring.signer_of(settings)
    return {
        "area": area,
        "area_name": settings.area_name,
        "broker": settings.kafka_bootstrap,
        "public_url": settings.public_url.rstrip("/"),
        "issuer": source_of(area, wiring.HUB),
        "token_audience": source_of(area, wiring.HUB),
        "topics": {
            "rule": {"to": f"{area}.<department>.in", "from": f"{area}.<department>.out"},
            "departments": {
                row.code: {"name": row.name, "in": topic_in(area, row.code), "out": topic_out(area, row.code)}
                for row in rows
            },
        },
        "message_types": list(MESSAGE_TYPES),
        "max_message_bytes": MAX_MESSAGE_BYTES,
        "keys": {signer.kid: signer.public_pem},
    }
