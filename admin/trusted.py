"""The departments' keys, as the verifier wants them, read from the database for each question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection

from hub.errors import Denied
from hub.register_department import trusted_keys
from storage.signing import BadSignature, TrustedKey, TrustedKeys


def keys(tx: Connection) -> TrustedKeys:
    """Every registered key; an inactive or revoked one is refused when it is used."""
    return TrustedKeys.of(
        TrustedKey(key.kid, key.department, key.public_pem, key.valid_from, key.valid_to, key.revoked_at)
        for key in trusted_keys(tx)
    )


def verify_again(tx: Connection) -> Callable[[bytes, str | None], str]:
    """Checks a kept message's signature again, and names the department that signed."""
    trusted = keys(tx)

    def verify(value: bytes, signature: str | None) -> str:
        try:
            return trusted.verify(value, signature, at=datetime.now(UTC)).department
        except BadSignature as error:
            raise Denied(f"{error}只能作废。") from error

    return verify
