"""Issuing licences: our whole `make` (set in type, sign, verify, seal, store, read back) beside pyHanko signing the same
ready PDF and nothing else, interleaved in one process; how it scales with processes; and what the check of one licence
costs beside one indexed select.

The bare arm is pyHanko's PdfSigner with an incremental writer, PAdES B-B, the same kind of key, certification with no
changes allowed, in memory. Ratios are of medians; absolute times depend on the machine and stand for orientation.
"""

from __future__ import annotations

import io
import multiprocessing
import secrets
import statistics
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from asn1crypto import keys as asn1_keys
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from hub.licensing.checking.check_licence import check_token
from storage.files import FileStore
from storage.key_encryption import KeyEncryption
from storage.licences.credentials import Credential, Credentials
from storage.licences.demo_credentials import make_demo_credentials
from storage.licences.document import written
from storage.licences.page import set_face
from storage.licences.press import LicencePress
from storage.licences.tokens import LicenceTokens
from storage.objects import ObjectStore
from tests.session_parts import Owner
from tests.storage.licence_faces import METADATA, a_face

GOALS = {"ratio": 0.5, "scale": 1.5, "check_ratio": 2.0}
ISSUER = "11370100MB00000194"


def run(*, samples: int = 60, seconds: float = 15.0) -> dict[str, object]:
    """Medians and ratios. Starts and stops a database and an object store of its own."""
    session = Owner(Path(tempfile.mkdtemp(prefix="bench-licences-")))
    try:
        at, folder = session.get("object_store"), Path(tempfile.mkdtemp(prefix="bench-signing-"))
        make_demo_credentials(folder)
        press = _press(at, folder)
        return {**_alone(press, folder, samples), **_many(at, folder, seconds), **_checks(session)}
    finally:
        session.close()


def _press(at: dict[str, str], folder: Path) -> LicencePress:
    objects = ObjectStore(
        at["endpoint"], access_key=at["access_key"], secret_key=at["secret_key"], bucket="bench-licences"
    )
    objects.ensure_bucket()
    files = FileStore(objects, KeyEncryption(bytes(range(32))))
    return LicencePress(files, Credentials(folder), lambda: datetime.now(UTC))


def _one(press: LicencePress) -> None:
    """A licence whose words and code no other has."""
    number = secrets.token_hex(10).upper()
    face = a_face(holder=f"示范县{number}食品有限公司", qr=f"https://hub.invalid/v/{number * 2}")
    press.make(face, {**METADATA, "certificateNumber": number}, issuer_code=ISSUER)


def _alone(press: LicencePress, folder: Path, samples: int) -> dict[str, object]:
    credential = Credentials(folder).for_issuer(ISSUER)
    bare = _bare_signer(credential)
    face = a_face()
    ready = bytes(written([press._sheet(set_face(face), "")], press._about(face, METADATA), attach=True)[0])
    taken: dict[str, list[float]] = {"make": [], "bare": []}
    for repetition in range(samples + 5):  # the first warm up and are not counted
        for name, once in (("make", lambda: _one(press)), ("bare", lambda: _bare(bare, ready))):
            begun = time.perf_counter()
            once()
            if repetition >= 5:
                taken[name].append(time.perf_counter() - begun)
    median = {name: statistics.median(times) for name, times in taken.items()}
    return {
        "bytes": len(ready),
        "milliseconds": {name: round(1000 * value, 1) for name, value in median.items()},
        "ratio": round(median["bare"] / median["make"], 2),
    }


def _bare_signer(credential: Credential) -> signers.PdfSigner:
    key = credential.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    simple = signers.SimpleSigner(
        signing_cert=credential.signer.signing_cert,
        signing_key=asn1_keys.PrivateKeyInfo.load(key),
        cert_registry=credential.signer.cert_registry,
    )
    meta = signers.PdfSignatureMetadata(
        field_name="Signature",
        reason="签发电子证照",
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        md_algorithm="sha256",
    )
    return signers.PdfSigner(meta, signer=simple)


def _bare(signer: signers.PdfSigner, ready: bytes) -> None:
    signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(ready)))


def _many(at: dict[str, str], folder: Path, seconds: float, rounds: int = 3) -> dict[str, object]:
    """Licences a second by one process and by two at once, in turns, so that a busy box is busy for both."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    with multiprocessing.get_context("spawn").Pool(2, _begin, (at, folder)) as pool:
        pool.map(_rate, [1.0, 1.0], chunksize=1)  # warms both up
        for _ in range(rounds):
            for processes, found in rates.items():
                found.append(sum(pool.map(_rate, [seconds / rounds] * processes, chunksize=1)))
    median = {processes: statistics.median(found) for processes, found in rates.items()}
    return {
        "per_second": {str(processes): round(rate, 1) for processes, rate in median.items()},
        "scale": round(median[2] / median[1], 2),
    }


_mine: list[LicencePress] = []  # of a child process


def _begin(at: dict[str, str], folder: Path) -> None:
    _mine.append(_press(at, folder))


def _rate(seconds: float) -> float:
    begun, made = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        _one(_mine[0])
        made += 1
    return made / (time.perf_counter() - begun)


_PARTY = text(
    "INSERT INTO parties (id, kind, name, code_type, code_masked, code_digest)"
    " VALUES (:id, 'legal', '示范县食品有限公司', '001', '91370102MA3C00011F', '\\x00')"
)
_FILL = text("""
INSERT INTO licences (id, identifier, party_id, name, number, type_code, issuer_code, issuer_name, issued_on, valid_from)
SELECT gen_random_uuid(), 'bench.' || n, :party, '食品经营许可证', 'JY' || n, '11370100MB00000194001',
  '11370100MB00000194', '示范县行政审批服务局', current_date - 9, current_date - 9
FROM generate_series(1, :count) n
RETURNING id
""")


def _checks(session: Owner, count: int = 20_000, samples: int = 2000) -> dict[str, object]:
    """check_token beside one select by the primary key, both on one connection, among `count` licences."""
    postgres, template = session.get("postgres"), session.get("template")["database"]
    engine = create_engine(make_url(postgres["role"]).set(database=template))
    tokens = LicenceTokens(bytes(range(32)))
    with engine.begin() as tx:
        ids = _filled(tx, count)
        tx.execute(text("ANALYZE licences"))
    words = [(one, tokens.make(one)) for one in ids]
    select = text("SELECT status, valid_to FROM licences WHERE id = :id")
    taken: dict[str, list[float]] = {"check": [], "select": []}
    with engine.connect() as tx:
        for repetition in range(samples + 200):
            one, word = words[repetition * 7 % len(words)]
            begun = time.perf_counter()
            tx.execute(select, {"id": one}).one()
            middle = time.perf_counter()
            found = check_token(tx, tokens, word)
            ended = time.perf_counter()
            assert found.outcome == "valid", found
            if repetition >= 200:
                taken["select"].append(middle - begun)
                taken["check"].append(ended - middle)
    engine.dispose()
    median = {name: statistics.median(times) for name, times in taken.items()}
    return {
        "check_milliseconds": {name: round(1000 * value, 3) for name, value in median.items()},
        "check_ratio": round(median["check"] / median["select"], 2),
    }


def _filled(tx: Any, count: int) -> list[uuid.UUID]:
    """Licences of one party."""
    party = uuid.uuid4()
    tx.execute(_PARTY, {"id": party})
    return [row.id for row in tx.execute(_FILL, {"party": party, "count": count})]


def main() -> None:
    """Print the figures."""
    for name, value in run().items():
        click.echo(f"{name}: {value}   {GOALS.get(name, '')}")


if __name__ == "__main__":
    main()
