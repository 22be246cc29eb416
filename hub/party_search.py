"""Finding parties by a part of their name, in any script, among millions.

Guarantees: an index answers (pairs of neighbouring characters, see migration 0004), since the trigrams of PostgreSQL know
no Chinese under the C collation that the hub runs with. A single character has no pair: it is looked for at the beginning.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func

from hub.party import Party


def named_like(word: str) -> ColumnElement[bool]:
    """The party's name holds this word, as it is written."""
    literal = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    if len(word) < 2:
        return Party.name.like(f"{literal}%")
    pairs = func.shenguan_pairs(Party.name).op("@>")(func.shenguan_pairs(word))
    return and_(pairs, func.lower(Party.name).like(f"%{literal.lower()}%"))
