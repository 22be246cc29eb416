"""Secrets are made once and are nobody else's."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shenguan.secrets_folder import DEMO_ACCOUNTS, SecretsFolder, SecretsRefused


def test_made_once_and_owner_only(tmp_path: Path):
    """A second opening gives the same secrets; folder 0700, files 0600."""
    first = SecretsFolder(tmp_path / "data")
    key = first.key("key_encryption_key")
    pem = first.private_key("hub_signing_key").read_bytes()
    again = SecretsFolder(tmp_path / "data")
    assert again.key("key_encryption_key") == key
    assert again.private_key("hub_signing_key").read_bytes() == pem
    assert len(base64.b64decode(key)) == 32
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert {f.stat().st_mode & 0o777 for f in first.folder.iterdir()} == {0o600}


def test_asked_by_many_at_once(tmp_path: Path):
    """Programs that ask at the same moment all get the one secret."""
    folders = [SecretsFolder(tmp_path / "data") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda folder: folder.text("web_secret"), folders))) == 1
    assert [f.name for f in folders[0].folder.iterdir()] == ["web_secret"]


def test_readable_secret_is_refused(tmp_path: Path):
    """A secret that others could read is refused by name, not used."""
    kept = SecretsFolder(tmp_path / "data")
    kept.text("web_secret")
    (kept.folder / "web_secret").chmod(0o644)
    with pytest.raises(SecretsRefused, match="web_secret"):
        kept.text("web_secret")


def test_demo_passwords_satisfy_the_usual_rules(tmp_path: Path):
    """Each account has its own, with upper and lower case, digits and a sign, at least ten long."""
    words = SecretsFolder(tmp_path / "data").demo_passwords()
    assert set(words) == set(DEMO_ACCOUNTS)
    assert len(set(words.values())) == len(words)
    for word in words.values():
        assert len(word) >= 10
        assert sum(c.isupper() for c in word) >= 2
        assert sum(c.islower() for c in word) >= 3
        assert sum(c.isdigit() for c in word) >= 2
        assert "-" in word
