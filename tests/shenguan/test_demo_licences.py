"""The demo's licence types: published, without anything to warn of, and printable."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, text

from hub.licensing.issuing.fill import fill
from hub.licensing.types.publish_licence_type import publish_warnings
from hub.licensing.types.published_type import published_licence_type
from hub.licensing.types.sample_words import sample_words
from shenguan.demo import ensure_demo_area
from storage.signing import Signer, generate_private_key
from tests.conftest import Parts
from tests.hub.licence_builders import a_press, some_files


def test_three_types_are_published_and_can_be_printed(
    engine: Engine, parts: Parts, bucket: str, tmp_path: Path
) -> None:
    """Each has a QR code, a seal, holder, number and days on its face; the press has nothing to say of a sample."""
    press = a_press(some_files(parts, bucket), tmp_path / "keys", lambda: datetime.now(UTC))
    keys = {code: Signer.from_pem(code, generate_private_key()).public_pem for code in ("scjg", "zhzf")}
    with engine.begin() as tx:
        ensure_demo_area(tx, keys)
        rows = tx.execute(
            text("SELECT type_code, id FROM licence_type_versions WHERE state = 'published'")
        ).all()
        warned = {row.type_code: publish_warnings(tx, row.id) for row in rows}
        types = [published_licence_type(tx, row.type_code) for row in rows]
    assert len(rows) == 3
    assert all(said == [] for said in warned.values()), warned
    for type_ in types:
        face = fill(type_, sample_words(type_), qr="http://hub.invalid/v/abc")
        assert press.faults(face) == []
        assert press.sample(face).startswith(b"%PDF")
