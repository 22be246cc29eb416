"""What issuing and checking licences asks of the outside: a press, tokens for the QR code, an inspector of files."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hub.add_material import StoredFacts
from hub.licensing.face import Face, FaceFault


@dataclass(frozen=True, slots=True)
class Made:
    """A document that is sealed, stored and was read back and verified."""

    format: str  # pdf, ofd, sm2
    stored: StoredFacts
    media_type: str
    level: str | None = None  # of a PDF: B-B, B-T or B-LT
    signer: Mapping[str, Any] = field(default_factory=dict)


class Press(Protocol):
    """Sets type, signs, seals and stores. Slow (tens of milliseconds): never call it while holding a transaction."""

    def faults(self, face: Face) -> Sequence[FaceFault]:
        """What keeps this face from being printed as it should; nothing is ever left out in silence."""

    def sample(self, face: Face) -> bytes:
        """An unsigned PDF with 样张 across it, not stored. Raises Rejected where `faults` has something to say."""

    def picture(self, face: Face, *, width: int = 1000) -> bytes:
        """A PNG of the face."""

    def make(
        self, face: Face, metadata: Mapping[str, Any], *, issuer_code: str, formats: Sequence[str] = ("pdf",)
    ) -> Sequence[Made]:
        """Print, sign, seal, store, read back and verify, the PDF first. `metadata` are the GB/T 36903 names.

        Raises Rejected (faults, no usable signing certificate for this issuer, an expired or revoked one) or Unavailable.
        """

    def copy(self, pdf: bytes, *, mark: str, form: str) -> bytes:
        """加注件: a copy of an issued PDF with the stated use across every page; `form` pdf (signed anew) or png."""


class Tokens(Protocol):
    """Short signed words in QR codes and temporary addresses; one for one licence, not to be guessed or counted up."""

    def make(self, licence: uuid.UUID) -> str:
        """The token of this licence: letters and digits, at most 48."""

    def read(self, token: str) -> uuid.UUID | None:
        """The licence it was made for; None where it was altered or never made by us."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What can be said of a file by itself.

    `state`: intact (signed by one of our certificates, unchanged), altered, stranger (signed, but not by us), expired or
    revoked (our certificate was, when it signed), unsigned, unreadable. `why` is a Chinese sentence, `cause` its key
    (storage.licences.inspect.CAUSES) and `facts` what stands in it, for who says it in another language.
    """

    state: str
    sha256: bytes
    why: str = ""
    identifier: str | None = None  # as the file's own metadata say, only to be trusted where intact
    signer: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Inspector(Protocol):
    """Looks into a file that somebody brought, in a limited process."""

    def inspect(self, file: Path) -> Inspection:
        """Never raises for a bad file: that is an answer, too."""
