"""Signed ledger heads, kept in the object store under their own prefix, apart from the database.

Guarantees: what `put` returned from is stored whole; `names` is sorted.
Not here: the signatures (whoever seals and whoever verifies), and protection from somebody who may write to the bucket;
switch on the bucket's object lock where the store offers it.
"""

from __future__ import annotations

from storage.objects import ObjectStore

PREFIX = "ledger/"


class LedgerHeads:
    """Heads by name."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`."""
        self._objects.put_bytes(PREFIX + name, data, media_type="application/json")

    def get(self, name: str) -> bytes:
        """The bytes kept under `name`. Raises NotFound."""
        return self._objects.get_bytes(PREFIX + name)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(found.name.removeprefix(PREFIX) for found in self._objects.list(PREFIX))
