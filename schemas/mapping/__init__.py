"""The mapping of fields: theirs to ours and ours to theirs, without code.

Guarantees: pure; a mapping that compiled never raises, is bounded in time and size, and reports what it does not know.
"""

from __future__ import annotations

from schemas.mapping.apply import Compiled
from schemas.mapping.compare import Change, compare, rule_words
from schemas.mapping.compile import brings_rows, compile_flow, compile_mapping
from schemas.mapping.coverage import Coverage, coverage
from schemas.mapping.fields import FieldInfo, source_fields, target_fields
from schemas.mapping.masking import masked
from schemas.mapping.results import FieldFault, FieldOutcome, Mapped, Unmapped
from schemas.mapping.suggest import PairSuggestion, Suggestion, suggest, suggest_pairs

__all__ = [
    "Change",
    "Compiled",
    "Coverage",
    "FieldFault",
    "FieldInfo",
    "FieldOutcome",
    "Mapped",
    "PairSuggestion",
    "Suggestion",
    "Unmapped",
    "brings_rows",
    "compare",
    "compile_flow",
    "compile_mapping",
    "coverage",
    "masked",
    "rule_words",
    "source_fields",
    "suggest",
    "suggest_pairs",
    "target_fields",
]
