"""Ids that do not change when the same thing is said again."""

from __future__ import annotations

import uuid

from schemas.encoding import canonical

_NAMESPACE = uuid.UUID("0e9cbe3a-6a5c-5d0f-8a53-6b0f9ad7c0de")


def deterministic_id(*parts: object) -> str:
    """The same parts give the same id: a crash between sending and noting it down makes a duplicate, not a second fact."""
    return str(uuid.uuid5(_NAMESPACE, canonical([str(part) for part in parts]).decode()))
