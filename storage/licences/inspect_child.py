"""Look into one PDF: are its signatures ours, whole and made while they could be. Runs as a limited process.

`python -m storage.licences.inspect_child FILE` reads whom to trust from standard input (PEM, see `trust_bundle`) and
writes JSON: state, cause, facts, signer, metadata. See storage.licences.inspect for what the words mean.
Guarantees: no network, ever; certificates are judged at the moment that a trusted timestamp proves, else today: what a
signer says of the time proves nothing. A revoked certificate is believed for nothing that is not proven to be older.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import SignatureCoverageLevel, async_validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from storage.licences.chain import Trust, chain_of, revoked_at, why_unusable
from storage.licences.trust_bundle import Trusted, trusted
from storage.signed_span import open_only_for_itself

MOST_PAGES = 50
_MOST_SIGNATURES = 20
_LARGEST_METADATA = 1 << 20
_WORST_FIRST = ("altered", "revoked", "expired", "intact")
_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"})
_BAD_PDF = (
    PdfError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    RecursionError,
    OverflowError,
)
Said = dict[str, Any]


def main(path: Path, trusts: Trusted) -> Said:
    """What there is to say of a file."""
    with path.open("rb") as file:
        if b"%PDF-" not in file.read(1024):
            return _said("unreadable", "not_pdf")
        if not trusts.trust.anchors or not trusts.signers:
            return _said("unreadable", "no_credentials")
        try:
            reader = PdfFileReader(file, strict=False)
            if reader.encrypted:
                return _said("unreadable", "encrypted")
            pages = int(reader.root["/Pages"]["/Count"])
            if pages > MOST_PAGES:
                return _said("unreadable", "too_long", pages=pages, most=MOST_PAGES)
            embedded = list(reader.embedded_regular_signatures)[:_MOST_SIGNATURES]
        except _BAD_PDF:
            return _said("altered" if _was_signed(path) else "unreadable", "malformed")
        if not embedded:
            return _said("unsigned", "unsigned")
        found = asyncio.run(_judged(embedded, path.stat().st_size, trusts))
        return {**found, "metadata": _metadata(reader)}


def _said(state: str, cause: str = "", **facts: Any) -> Said:
    return {"state": state, "cause": cause, "facts": facts, "signer": {}, "metadata": {}}


def _was_signed(path: Path) -> bool:
    return b"/ByteRange" in path.read_bytes()


async def _judged(embedded: list[Any], size: int, trusts: Trusted) -> Said:
    """Ours, the worst of them; a stranger's only where there is none of ours."""
    each = [await _signature(one, size, trusts) for one in embedded]
    for state in _WORST_FIRST:
        for one in each:
            if one["state"] == state:
                return one
    return each[0]


async def _signature(embedded: Any, size: int, trusts: Trusted) -> Said:
    trust = trusts.trust
    try:
        certificate = _loaded(embedded.signer_cert)
        others = [_loaded(one) for one in embedded.other_embedded_certs]
        signer = dict(_signer(certificate, embedded))
    except Exception:  # whatever the parsers beneath say of damaged bytes
        return _said("altered", "broken")
    chain = chain_of(certificate, others, trust.anchors)
    ours = certificate.fingerprint(hashes.SHA256()) in trusts.signers
    if chain is None or not ours or why_unusable(certificate):
        return {**_said("stranger", "stranger", signer=signer["signer"]), "signer": signer}
    try:
        found, status = await _integrity(embedded, size, trust)
    except SignatureValidationError:
        found, status = _said("altered", "broken"), None
    except (NotImplementedError, LookupError):
        found, status = _said("unreadable", "algorithm"), None
    except _BAD_PDF:
        found, status = _said("altered", "broken"), None
    except Exception:  # the libraries beneath have errors of their own for what they do not know
        found, status = _said("unreadable", "algorithm"), None
    if status is not None:
        moment = _proven(status)
        signer |= {"time_from": "timestamp", "signed_at": moment.isoformat()} if moment else {}
        if found["state"] == "intact":
            found = _in_force([certificate, *chain], trust, moment)
    return {**found, "signer": signer}


async def _integrity(embedded: Any, size: int, trust: Trust) -> tuple[Said, Any]:
    """Whether the bytes are those that were signed, and all there are."""
    status = await async_validate_pdf_signature(
        embedded, _context(trust), key_usage_settings=_USAGE, skip_diff=True
    )
    span = [int(one) for one in embedded.byte_range]
    covered = span[1] + span[3]
    if not status.intact:
        return _said("altered", "changed", covered=covered), status
    if not status.valid:
        return _said("altered", "value"), status
    if not open_only_for_itself(embedded):
        return _said("altered", "wrapped", covered=covered), status
    # Not even an update that PDF calls harmless: it may bring another XMP, and that tells of a holder.
    if status.coverage != SignatureCoverageLevel.ENTIRE_FILE:
        end = span[2] + span[3]
        return _said("altered", "appended", covered=covered, extra=max(0, size - end)), status
    return _said("intact"), status


def _context(trust: Trust) -> ValidationContext:
    roots = [asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in trust.anchors]
    return ValidationContext(trust_roots=roots, allow_fetching=False, revocation_mode="soft-fail")


def _proven(status: Any) -> datetime | None:
    stamp = status.timestamp_validity
    good = stamp is not None and stamp.intact and stamp.valid and stamp.trusted
    return stamp.timestamp.astimezone(UTC) if good else None


def _in_force(path: list[x509.Certificate], trust: Trust, proven: datetime | None) -> Said:
    moment = proven or datetime.now(UTC)
    for one in path:
        if moment < one.not_valid_before_utc:
            return _said("expired", "not_yet")
        if moment > one.not_valid_after_utc:
            return _said("expired", "expired", date=one.not_valid_after_utc.date().isoformat())
        since = revoked_at(one, trust, moment)
        if since is not None:
            return _said("revoked", "revoked", date=since.date().isoformat())
    return _said("intact")


def _loaded(certificate: asn1_x509.Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.dump())


def _signer(certificate: x509.Certificate, embedded: Any) -> Iterator[tuple[str, Any]]:
    yield "signer", _named(certificate.subject)
    yield "issuer", _named(certificate.issuer)
    yield "serial", format(certificate.serial_number, "x")
    yield "certificate_sha256", embedded.signer_cert.sha256.hex()
    yield "not_after", certificate.not_valid_after_utc.isoformat()
    said = embedded.self_reported_timestamp
    if said is not None:
        yield "signed_at", said.astimezone(UTC).isoformat()
        yield "time_from", "signer"


def _named(name: x509.Name) -> str:
    for oid in (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(oid):
            return str(found[-1].value)[:120]
    return name.rfc4514_string()[:120]


def _metadata(reader: PdfFileReader) -> Mapping[str, Any]:
    """The attached JSON that names a licence; only the document's own words, to be trusted where it is intact."""
    try:
        names = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]
        for at in range(1, min(len(names), 20), 2):
            raw = names[at].get_object()["/EF"]["/F"].get_object().data
            if len(raw) <= _LARGEST_METADATA:
                found = json.loads(raw)
                if isinstance(found, dict) and isinstance(found.get("certificateIdentifier"), str):
                    return found
    except _BAD_PDF:
        pass
    return {}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), trusted(sys.stdin.buffer.read()))))
