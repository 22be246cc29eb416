"""Timestamps on licences: real RFC 3161 answers over HTTP; what is wrong with one is a sentence and nothing is issued."""

from __future__ import annotations

import asyncio
import io
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore

from hub.errors import HubError, Unavailable
from storage.files import FileStore, StoredFile
from storage.key_encryption import KeyEncryption
from storage.licences.credentials import Credentials
from storage.licences.press import LicencePress
from storage.objects import ObjectStore
from tests.conftest import Parts
from tests.storage.licence_credentials import (
    ISSUER,
    Body,
    Folder,
    body,
    now,
    root,
    time_authority,
    time_signer,
)
from tests.storage.licence_faces import METADATA, a_face
from tests.storage.pdf_witnesses import pdfsig_accepts, pyhanko_accepts, status


@pytest.fixture
def files(parts: Parts) -> FileStore:
    objects = ObjectStore(
        parts.s3_endpoint,
        access_key=parts.s3_access_key,
        secret_key=parts.s3_secret_key,
        bucket=f"time-{os.getpid()}-{os.urandom(3).hex()}",
    )
    objects.ensure_bucket()
    return FileStore(objects, KeyEncryption(os.urandom(32)))


def press_of(files: FileStore, folder: Folder, url: str) -> LicencePress:
    return LicencePress(files, Credentials(folder.path), lambda: datetime.now(UTC), url)


def made(files: FileStore, press: LicencePress) -> tuple[str | None, bytes]:
    (one,) = press.make(a_face(), METADATA, issuer_code=ISSUER)
    kept = one.stored
    file = StoredFile(kept.object_name, kept.sha256, kept.size, one.media_type, kept.wrapped_key)
    with files.open(file) as opened:
        return one.level, b"".join(opened)


def anchor(above: Body) -> bytes:
    return above.certificate.public_bytes(Encoding.DER)


def test_with_a_time_authority_it_is_b_t(files: FileStore, tmp_path: Path) -> None:
    """The timestamp is there, for this signature, trusted; both validators accept."""
    above = root()
    folder = Folder(tmp_path).anchor(above).keep("default.pem", body("章", above))
    with time_authority(time_signer(above), above) as url:
        level, pdf = made(files, press_of(files, folder, url))
    assert level == "B-T"
    assert pdfsig_accepts(pdf)
    assert pyhanko_accepts(pdf, anchor(above))
    stamp = status(pdf, anchor(above)).timestamp_validity
    assert (stamp.intact, stamp.valid, stamp.trusted) == (True, True, True)


def test_with_revocation_lists_it_is_b_lt(files: FileStore, tmp_path: Path) -> None:
    """Chains and lists are in the document, under the signature: it is accepted with revocation required, from the
    document alone."""
    above, clocks = root(), root("时间根证书")
    who = body("章", above)
    folder = Folder(tmp_path).anchor(above, clocks).keep("default.pem", who)
    folder.revocations("a.crl", above.revocation_list()).revocations("b.crl", clocks.revocation_list())
    with time_authority(time_signer(clocks), clocks) as url:
        press = press_of(files, folder, url)
        level, pdf = made(files, press)
        copy = press.copy(pdf, mark="用途", form="pdf")
    assert level == "B-LT"
    assert pdfsig_accepts(pdf)

    reader = PdfFileReader(io.BytesIO(pdf))
    (embedded,) = reader.embedded_regular_signatures
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(
        {
            "trust_roots": [x509.Certificate.load(anchor(one)) for one in (above, clocks)],
            "allow_fetching": False,
            "revocation_mode": "require",
        }
    )
    assert asyncio.run(async_validate_pdf_signature(embedded, context, context)).bottom_line
    assert pdfsig_accepts(copy)


def test_an_old_list_makes_it_b_t(files: FileStore, tmp_path: Path) -> None:
    """What is not complete is not called B-LT."""
    above = root()
    folder = Folder(tmp_path).anchor(above).keep("default.pem", body("章", above))
    folder.revocations("a.crl", above.revocation_list(until=now() - timedelta(hours=1)))
    with time_authority(time_signer(above), above) as url:
        assert made(files, press_of(files, folder, url))[0] == "B-T"


@pytest.mark.parametrize("spoil", ["imprint", "nonce", "junk", "busy"])
def test_a_bad_answer_is_no_timestamp(files: FileStore, tmp_path: Path, spoil: str) -> None:
    """For another file, for another question, unreadable, or an error: nothing is stored."""
    above = root()
    folder = Folder(tmp_path).anchor(above).keep("default.pem", body("章", above))
    with (
        time_authority(time_signer(above), above, spoil=spoil) as url,
        pytest.raises(Unavailable, match="时间戳"),
    ):
        made(files, press_of(files, folder, url))
    assert not list(files._objects.list("files/"))


def test_a_strangers_clock_is_not_believed(files: FileStore, tmp_path: Path) -> None:
    """An authority whose chain ends at no anchor of ours, one whose certificate is not for time, one out of date."""
    above, outside = root(), root("外面的根")
    folder = Folder(tmp_path).anchor(above).keep("default.pem", body("章", above))
    for who in (
        time_signer(outside),
        body("冒充的时间戳", above, kind="rsa2048"),
        time_signer(above, ends=now() - timedelta(days=1)),
    ):
        with time_authority(who, outside) as url, pytest.raises(HubError, match=r"ca\.pem"):
            made(files, press_of(files, folder, url))


def test_nobody_answers(files: FileStore, tmp_path: Path) -> None:
    """A dead authority is a sentence, at once."""
    above = root()
    folder = Folder(tmp_path).anchor(above).keep("default.pem", body("章", above))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(Unavailable, match="没有回答"):
        made(files, press_of(files, folder, url))
