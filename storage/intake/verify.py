"""Verify signatures: the signatures of a PDF, or a detached CMS. The only importer of pyHanko; runs as a limited process.

`python -m storage.intake.verify TRUSTED pdf FILE` or `TRUSTED cms FILE SIGNATURE` writes JSON: {"signatures": [...]}, or
{"reason": ...} where nothing can be said. TRUSTED is a folder of PEM certificates, or empty.
Guarantees: no network, ever; constant memory beside the structure of the document; certificates are judged today, or at
the moment that a trusted timestamp proves. Does not know revocation: nobody is asked.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asn1crypto import cms, pem, x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import (
    SignatureCoverageLevel,
    async_validate_detached_cms,
    async_validate_pdf_signature,
)
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from storage.signed_span import open_only_for_itself

MOST_SIGNATURES = 50
_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"})
_PIECE = 1 << 20
_HARMLESS = (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES, ModificationLevel.FORM_FILLING)
_WRAPPED = "签名为自己留出的位置里夹着别的内容，显示出来的可能不是签名时的那一份"
_BROKEN = "签名数据的结构有误，无法解析"
_UNKNOWN = "签名使用的算法（例如国密 SM2）本中心不能核验"


def main(arguments: list[str]) -> dict[str, Any]:
    """What there is to say of a file."""
    trusted = _certificates(arguments[0])
    if arguments[1] == "pdf":
        return asyncio.run(_pdf(Path(arguments[2]), trusted))
    return asyncio.run(_detached(Path(arguments[2]), Path(arguments[3]), trusted))


def _certificates(folder: str) -> list[x509.Certificate]:
    """The trusted ones; a file that is none is passed over."""
    found: list[x509.Certificate] = []
    for path in sorted(Path(folder).glob("*.pem")) if folder else ():
        try:
            parts = list(pem.unarmor(path.read_bytes(), multiple=True))
            found += [x509.Certificate.load(der) for kind, _, der in parts if kind == "CERTIFICATE"]
        except (OSError, ValueError):
            continue
    return found


def _context(trusted: list[x509.Certificate], moment: datetime | None = None) -> ValidationContext:
    return ValidationContext(
        trust_roots=trusted, allow_fetching=False, revocation_mode="soft-fail", moment=moment
    )


async def _pdf(path: Path, trusted: list[x509.Certificate]) -> dict[str, Any]:
    with path.open("rb") as file:
        try:
            reader = PdfFileReader(file, strict=False)
            embedded = list(reader.embedded_regular_signatures)[:MOST_SIGNATURES]
        except (PdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            return {"reason": "PDF 的结构不规范，读不出其中的签名"}
        return {"signatures": [await _one_of_pdf(one, trusted) for one in embedded]}


async def _one_of_pdf(embedded: Any, trusted: list[x509.Certificate]) -> dict[str, Any]:
    async def check(context: ValidationContext) -> Any:
        return await async_validate_pdf_signature(embedded, context, key_usage_settings=_USAGE)

    told: dict[str, Any] = {"kind": "pdf", "field": str(embedded.field_name or "")[:80]}
    told, status = await _checked(check, trusted, told)
    if status is None:
        return told
    if not open_only_for_itself(embedded):
        return told | {"state": "invalid", "covers_whole": False, "modified_after": True, "reason": _WRAPPED}
    told["covers_whole"] = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    level = status.modification_level
    told["modified_after"] = not told["covers_whole"]
    if told["state"] != "invalid" and (level not in _HARMLESS or status.docmdp_ok is False):
        told |= {"state": "invalid", "reason": "签名之后文件内容被改动过"}
    return told


async def _detached(path: Path, signature: Path, trusted: list[x509.Certificate]) -> dict[str, Any]:
    raw = signature.read_bytes()
    try:
        if pem.detect(raw):
            raw = pem.unarmor(raw)[2]
        content = cms.ContentInfo.load(raw, strict=True)
        signed = content["content"] if content["content_type"].native == "signed_data" else None
    except (ValueError, TypeError, KeyError):
        signed = None
    if signed is None:
        return {
            "signatures": [
                {"kind": "cms", "state": "invalid", "reason": "签名文件不是 CMS/PKCS#7 签名（.p7s）"}
            ]
        }

    async def check(context: ValidationContext) -> Any:
        with path.open("rb") as file:
            return await async_validate_detached_cms(
                file, signed, context, key_usage_settings=_USAGE, chunk_size=_PIECE
            )

    told, _status = await _checked(
        check, trusted, {"kind": "cms", "covers_whole": True, "modified_after": False}
    )
    return {"signatures": [told]}


async def _checked(
    check: Any, trusted: list[x509.Certificate], told: dict[str, Any]
) -> tuple[dict[str, Any], Any]:
    try:
        status = await check(_context(trusted))
    except SignatureValidationError as error:
        return {**told, "state": "invalid", "reason": f"{_BROKEN}（{_short(error)}）"}, None
    except (NotImplementedError, KeyError) as error:
        return {**told, "state": "unchecked", "reason": f"{_UNKNOWN}（{_short(error)}）"}, None
    except (PdfError, ValueError, TypeError, AttributeError, IndexError, RecursionError) as error:
        return {**told, "state": "invalid", "reason": f"{_BROKEN}（{_short(error)}）"}, None
    except Exception as error:  # the libraries beneath have errors of their own for what they do not know
        return {**told, "state": "unchecked", "reason": f"{_UNKNOWN}（{_short(error)}）"}, None
    told |= dict(_signer(status))
    if not (status.intact and status.valid):
        why = (
            "签名之后文件内容被改动过，或者签名不是为这份文件做的"
            if not status.intact
            else "签名值验证不通过"
        )
        return {**told, "state": "invalid", "reason": why}, status
    return {**told, **await _trust(check, status, trusted)}, status


async def _trust(check: Any, status: Any, trusted: list[x509.Certificate]) -> dict[str, Any]:
    """Whether somebody we trust vouches for the signer, and the chain that says so."""
    if status.trusted:
        return {"state": "valid", "chain": _chain(status)}
    certificate = status.signing_cert
    now = datetime.now(UTC)
    stamp = status.timestamp_validity
    proven = stamp.timestamp if stamp is not None and stamp.trusted else None
    claimed = proven or status.signer_reported_dt
    if claimed is not None and trusted:
        then = await check(_context(trusted, claimed))
        if then.trusted and proven:
            return {"state": "valid", "chain": _chain(then)}
        if then.trusted:
            ended = certificate.not_valid_after.astimezone(UTC).date()
            why = f"签名证书已于 {ended} 到期，签名时间又没有可信的时间戳证明"
            return {"state": "untrusted", "chain": _chain(then), "reason": why}
    if not trusted:
        why = "本中心还没有登记任何受信任的签名证书"
    elif not certificate.not_valid_before <= now <= certificate.not_valid_after:
        why = "签名证书不在有效期内"
    elif status.validation_path is not None:
        why = "签名证书的用途不允许用来签名"
    else:
        why = f"签发者“{_name(certificate.issuer)}”不在本中心信任的证书之内"
    return {"state": "untrusted", "reason": why}


def _signer(status: Any) -> Iterator[tuple[str, Any]]:
    certificate = status.signing_cert
    yield "signer", _name(certificate.subject)
    yield "issuer", _name(certificate.issuer)
    yield "serial", format(certificate.serial_number, "x")
    yield "certificate_sha256", certificate.sha256.hex()
    yield "not_after", certificate.not_valid_after.astimezone(UTC).isoformat()
    stamp = status.timestamp_validity
    if stamp is not None and stamp.intact and stamp.valid:
        yield "signed_at", stamp.timestamp.astimezone(UTC).isoformat()
        yield "time_from", "timestamp" if stamp.trusted else "untrusted_timestamp"
    elif status.signer_reported_dt is not None:
        yield "signed_at", status.signer_reported_dt.astimezone(UTC).isoformat()
        yield "time_from", "signer"
    yield "digest", status.md_algorithm


def _chain(status: Any) -> list[str]:
    """From the signer up to whom we trust."""
    path = (
        [one for one in status.validation_path if isinstance(one, x509.Certificate)]
        if status.validation_path
        else []
    )
    return [_name(one.subject) for one in reversed(path)]


def _name(name: x509.Name) -> str:
    native = name.native
    for part in ("common_name", "organization_name"):
        value = native.get(part)
        if value:
            return str(value if isinstance(value, str) else value[-1])[:120]
    return str(name.human_friendly)[:120]


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:160]


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.stdout.write(json.dumps(main(sys.argv[1:]), ensure_ascii=True))
