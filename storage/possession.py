"""Proof that somebody holds the private key of a public key that they bring: a detached JWS over what they were given.

Guarantees: a proof is good for one purpose and one given text (a one-time code, a request's token), for nothing else.
A department's connector runs this too, so it knows nothing of the hub.
"""

from __future__ import annotations

from datetime import datetime

from storage.signing import BadSignature, Signer, TrustedKey, TrustedKeys, kid_of

ENROL = "enrol"
RENEW = "renew"
_NEW = "new-key"  # who signs is not yet anybody


def proof_of(private_pem: bytes | str, purpose: str, given: str) -> str:
    """The proof by this key."""
    return Signer.from_pem(_NEW, private_pem).sign(_text(purpose, given))


def check_proof(public_pem: str, proof: str, purpose: str, given: str, *, at: datetime) -> None:
    """Raises BadSignature where the proof is not by this key, for this purpose and text; UnusableKey for a bad key."""
    kid = kid_of(_NEW, public_pem)
    try:
        TrustedKeys.of([TrustedKey(kid, _NEW, public_pem)]).verify(_text(purpose, given), proof, at=at)
    except BadSignature as error:
        raise BadSignature("密钥持有证明不对：应由所登记公钥的私钥，对给出的代码签名。") from error


def _text(purpose: str, given: str) -> bytes:
    return f"shenguan {purpose}\n{given}".encode()
