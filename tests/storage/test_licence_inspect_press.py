"""What the press makes, at every level, is what the inspector calls ours - also years later, where a timestamp proves it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.files import FileStore, StoredFile
from storage.key_encryption import KeyEncryption
from storage.licences.credentials import Credentials
from storage.licences.inspect import LicenceInspector
from storage.licences.press import LicencePress
from storage.objects import ObjectStore
from tests.conftest import Parts
from tests.storage.licence_credentials import ISSUER, Body, Folder, body, root, time_authority, time_signer
from tests.storage.licence_faces import METADATA, a_face


@pytest.fixture
def files(parts: Parts) -> FileStore:
    objects = ObjectStore(
        parts.s3_endpoint,
        access_key=parts.s3_access_key,
        secret_key=parts.s3_secret_key,
        bucket=f"inspect-{os.getpid()}-{os.urandom(3).hex()}",
    )
    objects.ensure_bucket()
    return FileStore(objects, KeyEncryption(os.urandom(32)))


def made(files: FileStore, folder: Folder, url: str | None) -> tuple[str | None, bytes, bytes]:
    """Level, licence, and a copy for a stated use."""
    press = LicencePress(files, Credentials(folder.path), lambda: datetime.now(UTC), url)
    (one,) = press.make(a_face(), METADATA, issuer_code=ISSUER)
    kept = one.stored
    file = StoredFile(kept.object_name, kept.sha256, kept.size, one.media_type, kept.wrapped_key)
    with files.open(file) as opened:
        pdf = b"".join(opened)
    return one.level, pdf, press.copy(pdf, mark="仅用于检查", form="pdf")


def state(folder: Folder, tmp_path: Path, pdf: bytes) -> str:
    file = tmp_path / "brought.pdf"
    file.write_bytes(pdf)
    return LicenceInspector(folder.path).inspect(file).state


def revocation(who: Body, by: Body, since: datetime) -> bytes:
    by.revoked[:] = [(who.certificate.serial_number, since)]
    return by.revocation_list()


def empty(path: Path) -> Folder:
    path.mkdir()
    return Folder(path)


def test_without_a_timestamp(files: FileStore, tmp_path: Path) -> None:
    """B-B: ours, until its certificate is revoked - then nothing says that it is older."""
    above = root()
    who = body("章", above)
    folder = empty(tmp_path / "f").anchor(above).keep("default.pem", who)
    level, pdf, copy = made(files, folder, None)
    assert level == "B-B"
    assert state(folder, tmp_path, pdf) == state(folder, tmp_path, copy) == "intact"
    folder.revocations("a.crl", revocation(who, above, datetime.now(UTC) - timedelta(seconds=1)))
    assert state(folder, tmp_path, pdf) == "revoked"


@pytest.mark.parametrize("long_term", [False, True])
def test_with_a_timestamp(files: FileStore, tmp_path: Path, long_term: bool) -> None:
    """B-T and B-LT: a later revocation does not touch it, one that is older than the timestamp does."""
    above, clocks = root(), root("时间根证书")
    who = body("章", above)
    folder = empty(tmp_path / "f").anchor(above, clocks).keep("default.pem", who)
    if long_term:
        folder.revocations("a.crl", above.revocation_list()).revocations("b.crl", clocks.revocation_list())
    with time_authority(time_signer(clocks), clocks) as url:
        level, pdf, copy = made(files, folder, url)
    assert level == ("B-LT" if long_term else "B-T")
    assert state(folder, tmp_path, pdf) == state(folder, tmp_path, copy) == "intact"
    folder.revocations("a.crl", revocation(who, above, datetime.now(UTC) + timedelta(seconds=2)))
    assert state(folder, tmp_path, pdf) == "intact"
    folder.revocations("a.crl", revocation(who, above, datetime.now(UTC) - timedelta(hours=1)))
    assert state(folder, tmp_path, pdf) == "revoked"


def test_a_clock_certifies_no_signer(files: FileStore, tmp_path: Path) -> None:
    """Whoever has a certificate under the clock's root is a stranger."""
    above, clocks = root(), root("时间根证书")
    folder = empty(tmp_path / "f").anchor(above, clocks).keep("default.pem", body("章", above))
    other = empty(tmp_path / "g").anchor(clocks).keep("default.pem", body("别人", clocks))
    _, pdf, _ = made(files, other, None)
    assert state(folder, tmp_path, pdf) == "stranger"
