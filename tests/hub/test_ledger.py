"""The ledger: append-only, sealed, and honest about the first thing that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from hub.errors import NotFound
from hub.ledger import Entry, record
from hub.merkle import EMPTY, leaf_hash, node_hash, root
from hub.ports import Desk
from hub.seal_ledger import seal
from hub.verify_ledger import LedgerVerdict, verify
from storage.signing import BadSignature, Signer, TrustedKey, TrustedKeys
from tests.hub.builders import NOW, decided


class MemoryHeads:
    """Heads in memory: the same promises as the object store's (its own suite checks those)."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.meanwhile: Callable[[], None] = lambda: None

    def put(self, name: str, data: bytes) -> None:
        self.kept[name] = data

    def get(self, name: str) -> bytes:
        self.meanwhile()
        try:
            return self.kept[name]
        except KeyError:
            raise NotFound(name) from None

    def names(self) -> list[str]:
        found = sorted(self.kept)
        self.meanwhile()
        return found


@pytest.fixture
def heads() -> MemoryHeads:
    return MemoryHeads()


@pytest.fixture
def check(county: Engine, heads: MemoryHeads, hub_signer: Signer) -> Callable[[], LedgerVerdict]:
    key = TrustedKey(kid=hub_signer.kid, department="hub", public_pem=hub_signer.public_pem)
    trusted = TrustedKeys.of([key])

    def holds(data: bytes, signature: str) -> bool:
        try:
            trusted.verify(data, signature, at=NOW)
        except BadSignature:
            return False
        return True

    def run() -> LedgerVerdict:
        with county.connect().execution_options(isolation_level="REPEATABLE READ") as tx:
            return verify(tx, heads, holds)

    return run


@pytest.fixture
def sealed(county: Engine, desk: Desk, heads: MemoryHeads) -> Engine:
    """Three batches of rows."""
    for round_ in range(3):
        with county.begin() as tx:
            record(
                tx, *(Entry("user:test", "test.row", f"row:{round_}/{n}", detail={"n": n}) for n in range(5))
            )
        with county.begin() as tx:
            seal(tx, heads, desk.signer, desk.clock)
    return county


def tamper(engine: Engine, statement: str) -> None:
    """What only the database's owner can do: switch the triggers off."""
    with engine.begin() as tx:
        tx.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        tx.execute(text(statement))
        tx.execute(text("ALTER TABLE ledger ENABLE TRIGGER USER"))


def test_rfc_6962_tree() -> None:
    """The root of seven leaves is the RFC's left-complete tree; a leaf is not a node."""
    leaves = [leaf_hash(bytes([n])) for n in range(7)]
    n = node_hash
    left = n(n(leaves[0], leaves[1]), n(leaves[2], leaves[3]))

    assert root(leaves) == n(left, n(n(leaves[4], leaves[5]), leaves[6]))
    assert root([]) == EMPTY
    # The published test vector: the empty leaf.
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET actor = 'x'", "DELETE FROM ledger", "TRUNCATE ledger"]
)
def test_append_only(county: Engine, statement: str) -> None:
    """The database refuses to change, delete or empty the ledger."""
    with pytest.raises(IntegrityError, match="append-only"), county.begin() as tx:
        tx.execute(text(statement))


def test_untouched_ledger_verifies(sealed: Engine, check: Callable[[], LedgerVerdict]) -> None:
    """Sealed rows verify; rows that came after are counted as not sealed yet."""
    with sealed.begin() as tx:
        record(tx, Entry("user:test", "late", "row:late"))
    verdict = check()

    assert verdict.ok
    assert (verdict.batches, verdict.unsealed) == (3, 1)
    assert verdict.rows >= 15


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE ledger SET reason = 'better' WHERE id = {row}", "被改动过"),
        ("UPDATE ledger SET at = at + interval '1 microsecond' WHERE id = {row}", "被改动过"),
        ("UPDATE ledger SET detail = '{{}}' WHERE id = {row}", "被改动过"),
        ("DELETE FROM ledger WHERE id = {row}", "已被删除"),
    ],
)
def test_names_the_first_row_that_was_changed_or_removed(
    sealed: Engine, check: Callable[[], LedgerVerdict], statement: str, sentence: str
) -> None:
    """Any change to any column, or a deletion, is found and the row named."""
    with sealed.begin() as tx:
        row = tx.execute(text("SELECT max(id) - 7 FROM ledger")).scalar_one()
    tamper(sealed, statement.format(row=row))
    verdict = check()

    assert not verdict.ok
    assert verdict.row == row
    assert sentence in (verdict.broken or "")


def test_names_an_inserted_row(sealed: Engine, check: Callable[[], LedgerVerdict]) -> None:
    """A row slipped in past the triggers belongs to no batch."""
    tamper(
        sealed,
        "INSERT INTO ledger (id, actor, action, subject) OVERRIDING SYSTEM VALUE VALUES (100000, 'x', 'y', 'z')",
    )
    verdict = check()

    assert not verdict.ok
    assert verdict.row == 100000


def test_finds_a_cut_tail_and_forged_heads(
    sealed: Engine, heads: MemoryHeads, check: Callable[[], LedgerVerdict], desk: Desk
) -> None:
    """Dropping the last batch, a head without our signature, a missing head: each is found."""
    last = heads.names()[-1]
    kept = heads.kept[last]
    heads.kept[last] = re.sub(rb'"signature":"[^"]*"', b'"signature":"e30..AAAA"', kept)
    assert "签名无效" in (check().broken or "")
    del heads.kept[last]
    assert "没有第 3 批" in (check().broken or "")
    heads.kept[last] = kept
    tamper(sealed, "DELETE FROM ledger WHERE id > (SELECT max(id) - 5 FROM ledger)")
    with sealed.begin() as tx:
        tx.execute(text("DELETE FROM ledger_batches WHERE number = 3"))
    assert "从数据库中丢失" in (check().broken or "")


def test_a_hub_that_goes_on_sealing_verifies(
    sealed: Engine, heads: MemoryHeads, check: Callable[[], LedgerVerdict], desk: Desk
) -> None:
    """What is sealed while it is verified is no loss: neither before the first look at the rows nor in the middle."""

    def seal_one() -> None:
        with sealed.begin() as tx:
            record(tx, Entry("user:test", "meanwhile", "row:meanwhile"))
            seal(tx, heads, desk.signer, desk.clock)

    heads.meanwhile = seal_one
    assert check().ok
    assert len(heads.kept) > 4


def test_a_head_in_hand_is_no_loss(
    sealed: Engine, heads: MemoryHeads, check: Callable[[], LedgerVerdict], desk: Desk
) -> None:
    """A sealer killed between head and commit left a head of rows that still wait: they are there. Changed they are found;
    gone, or with a second head beyond, they are lost."""
    with sealed.begin() as tx:
        record(tx, Entry("user:test", "late", "row:late"))
    with sealed.connect() as tx:
        seal(tx, heads, desk.signer, desk.clock)
        tx.rollback()
    assert len(heads.kept) == 4
    assert check().ok
    assert check().unsealed == 1
    heads.kept["ledger/000000000005.json"] = heads.kept["ledger/000000000004.json"]
    assert "从数据库中丢失" in (check().broken or "")
    del heads.kept["ledger/000000000005.json"]
    tamper(sealed, "UPDATE ledger SET reason = 'better' WHERE subject = 'row:late'")
    assert "被改动过" in (check().broken or "")
    tamper(sealed, "DELETE FROM ledger WHERE subject = 'row:late'")
    assert "已被删除" in (check().broken or "")
    with sealed.begin() as tx:
        tx.execute(text("DELETE FROM ledger_unsealed"))
    assert "从数据库中丢失" in (check().broken or "")


def test_a_row_committed_late_is_sealed_later(
    county: Engine, desk: Desk, heads: MemoryHeads, check: Callable[[], LedgerVerdict]
) -> None:
    """A transaction that took its number early and commits after the sealing is in the next batch, not lost."""
    slow = county.connect()
    record(slow, Entry("user:slow", "slow", "row:slow"))
    decided(county, desk)
    with county.begin() as tx:
        seal(tx, heads, desk.signer, desk.clock)
    slow.commit()
    slow.close()
    with county.begin() as tx:
        batch = seal(tx, heads, desk.signer, desk.clock)

    assert batch is not None
    assert batch.size == 1
    assert check().ok
