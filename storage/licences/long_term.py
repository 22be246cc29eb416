"""What a check in many years needs beside the document: the chains, and lists that say nobody in them was revoked (B-LT).

Guarantees: complete or nothing: every certificate below an anchor, the time-stamp authority's too, has a list in force
that its issuer signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from storage.licences.chain import Trust, chain_of, signed_by


@dataclass(frozen=True, slots=True)
class LongTerm:
    """DER, ready for the document security store."""

    certificates: tuple[bytes, ...]
    lists: tuple[bytes, ...]


def long_term(
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    clock: Sequence[asn1_x509.Certificate],
    trust: Trust,
    now: datetime,
) -> LongTerm | None:
    """Everything, or None. `clock`: the time-stamp authority's certificates, its own first."""
    of_clock = [x509.load_der_x509_certificate(one.dump()) for one in clock]
    above = chain_of(of_clock[0], of_clock[1:], trust.anchors) if of_clock else None
    if above is None:
        return None
    lists: dict[bytes, None] = {}
    certificates: dict[bytes, None] = {}
    for path in ([certificate, *chain], [of_clock[0], *above]):
        for below, issuer in pairwise(path):
            found = next(
                (one for one in trust.lists_at(now) if one.issuer == below.issuer and signed_by(one, issuer)),
                None,
            )
            if found is None:
                return None
            lists[found.public_bytes(Encoding.DER)] = None
        certificates |= dict.fromkeys(one.public_bytes(Encoding.DER) for one in path)
    return LongTerm(tuple(certificates), tuple(lists))
