"""The contracts with the outside: messages, code tables and sheet columns, as data, with the little code to read them.

Guarantees: what is here needs nothing of ours but this package, so an outsider can join with it and a Kafka client.
Does not guarantee: anything about signatures or storage.
"""

from __future__ import annotations

from schemas.codes import code_table, code_table_file, code_table_names
from schemas.columns import (
    PENALTY_GENERATIONS,
    PERMIT_GENERATIONS,
    licence_columns,
    penalty_columns,
    permit_columns,
)
from schemas.encoding import Malformed, canonical, dumps, loads
from schemas.messages import MAX_MESSAGE_BYTES, MESSAGE_TYPES, Violation, examples_of, schema_of, violations

__all__ = [
    "MAX_MESSAGE_BYTES",
    "MESSAGE_TYPES",
    "PENALTY_GENERATIONS",
    "PERMIT_GENERATIONS",
    "Malformed",
    "Violation",
    "canonical",
    "code_table",
    "code_table_file",
    "code_table_names",
    "dumps",
    "examples_of",
    "licence_columns",
    "loads",
    "penalty_columns",
    "permit_columns",
    "schema_of",
    "violations",
]
