"""The mapping of fields: theirs to ours and ours to theirs, without code.

Guarantees: pure; a mapping that compiled never raises, is bounded in time and size, and reports what it does not know.
"""

from __future__ import annotations

from schemas.mapping.apply import Compiled
from schemas.mapping.compile import compile_mapping
from schemas.mapping.fields import FieldInfo, source_fields, target_fields
from schemas.mapping.results import FieldFault, FieldOutcome, Mapped, Unmapped

__all__ = [
    "Compiled",
    "FieldFault",
    "FieldInfo",
    "FieldOutcome",
    "Mapped",
    "Unmapped",
    "compile_mapping",
    "source_fields",
    "target_fields",
]
