"""What intake hands to the hub: messages that were verified and are valid, and messages that cannot be taken."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

KEPT = 64 * 1024  # of a refused message so many bytes are kept; its size and SHA-256 speak of the whole


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message whose signature holds, whose sender is who the topic says, and whose document is valid."""

    topic: str
    partition: int
    offset: int
    department: str
    kid: str
    value: bytes
    signature: str
    event: Mapping[str, Any]

    @property
    def identity(self) -> tuple[str, str]:
        """What makes two messages the same one."""
        return self.event["source"], self.event["id"]

    @property
    def data(self) -> Mapping[str, Any]:
        """The event's data."""
        data: Mapping[str, Any] = self.event["data"]
        return data

    @property
    def case_no(self) -> str:
        """The case it speaks of."""
        return str(self.event["subject"])

    def refuse(self, cause: str, message: str, expected: str) -> Refused:
        """The same message, not taken after all."""
        return Refused(
            topic=self.topic,
            partition=self.partition,
            offset=self.offset,
            department=self.department,
            event_id=self.event["id"],
            cause=cause,
            message=message,
            expected=expected,
            value=self.value,
            size=len(self.value),
            sha256=hashlib.sha256(self.value).digest(),
            signature=self.signature,
            kid=self.kid,
            case_no=self.case_no,
        )


@dataclass(frozen=True, slots=True)
class Refused:
    """A message for the quarantine. `department` is None where nobody can be told."""

    topic: str
    partition: int
    offset: int
    department: str | None
    event_id: str | None
    cause: str
    message: str
    expected: str
    value: bytes
    size: int
    sha256: bytes
    signature: str | None = None
    kid: str | None = None
    case_no: str | None = None  # as the message says, where that could be read

    def clipped(self) -> Refused:
        """With no more bytes than are kept."""
        return self if len(self.value) <= KEPT else replace(self, value=self.value[:KEPT])
