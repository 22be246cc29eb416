"""What the hub asks of the outside: a signature, the sealing of personal numbers, keys in its custody, the time.

The composition roots build a Desk and hand it to the use cases; nothing here reads the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Signer(Protocol):
    """Signs final bytes with the hub's key."""

    @property
    def kid(self) -> str:
        """The key's id, as departments look it up."""

    def sign(self, payload: bytes) -> str:
        """A detached JWS (RFC 7515 appendix F) over exactly these bytes."""

    def sign_attached(self, payload: bytes, *, typ: str = "JWT") -> str:
        """A compact JWS that carries these bytes, its header saying what it is for."""


class IdentityVault(Protocol):
    """Keeps personal document numbers findable but not readable."""

    def digest(self, kind: str, number: str) -> bytes:
        """A keyed hash: the same number of the same kind gives the same 32 bytes."""

    def seal(self, number: str) -> bytes:
        """The number, readable only with the vault's key."""

    def unseal(self, blob: bytes) -> str:
        """The number back; the caller has written down why."""

    def seal_text(self, text: str, *, context: str) -> bytes:
        """Any text that names people, as it is, readable only with the vault's key and for the same context."""

    def unseal_text(self, blob: bytes, *, context: str) -> str:
        """The text back."""

    def mask(self, number: str) -> str:
        """The number as it may be shown."""


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key pair made now; its private half only sealed."""

    kid: str
    public_pem: str
    sealed: bytes


class Custody(Protocol):
    """Keeps the private keys of departments that have no system of their own."""

    def make(self, code: str) -> MadeKey:
        """A new key pair of this department."""

    def signer(self, code: str, sealed: bytes) -> Signer:
        """Who signs with the key that was sealed for this department."""


class Authority(Protocol):
    """Certifies the public keys of departments."""

    @property
    def certificate(self) -> str:
        """The authority's own certificate, by which the others are verified."""

    def certify(self, code: str, name: str, public_pem: str, *, since: datetime, until: datetime) -> str:
        """A certificate (PEM) over this department's key."""


class Sealing(Protocol):
    """Keeps small secrets of connectors and alert channels: anybody may have one sealed, few may have it opened."""

    def seal(self, secret: bytes, *, context: str) -> bytes:
        """The secret, to be opened only for the same context."""

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """The secret back."""


Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a use case works with, beside its transaction."""

    area: str
    public_url: str  # where departments fetch files, without a slash at the end
    signer: Signer
    identities: IdentityVault
    clock: Clock  # timezone-aware UTC
    custody: Custody | None = None  # None: no department can take part in the browser
    secrets: Sealing | None = None  # None: no connector can have secrets kept here
    authority: Authority | None = None  # None: keys are enrolled without a certificate
