"""Reading a status list off-line: is it ours, is it fresh, what does it say of one place (IETF Token Status List, JWT).

Guarantees: what is said comes from a list signed by a trusted key for this very use, not yet expired and made for the
address that the licence names; a list that would unpack to more than it may is refused before it does.
Does not fetch anything, and does not say when the licence changed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.base64url import decode
from storage.signing import CLOCK_SKEW, BadSignature, ExpiredToken, TrustedKeys

TYP = "statuslist+jwt"
LARGEST_TOKEN = 16 << 20
LARGEST_LIST = 8 << 20
_BITS = (1, 2, 4, 8)


class BadList(Exception):
    """状态清单的格式不对。"""


@dataclass(frozen=True, slots=True)
class ReadList:
    """A list whose signature held."""

    address: str
    made_at: datetime
    expires_at: datetime | None
    bits: int
    packed: bytes

    def value(self, place: int) -> int:
        """What it says of a place. Raises BadList beyond its end."""
        in_a_byte = 8 // self.bits
        at, within = divmod(place, in_a_byte)
        if place < 0 or at >= len(self.packed):
            raise BadList(f"状态清单里没有第 {place} 位，这份清单与证照不符。")
        return self.packed[at] >> (within * self.bits) & ((1 << self.bits) - 1)


def read_status_list(token: str, keys: TrustedKeys, *, at: datetime, address: str | None = None) -> ReadList:
    """The list in a signed token. `address`: where the licence says its list is. Raises BadSignature or BadList."""
    verified = keys.verify_attached(token.strip(), at=at, typ=TYP, most=LARGEST_TOKEN)
    try:
        claims = json.loads(verified.bytes)
        listed = claims["status_list"]
        found = ReadList(
            address=str(claims["sub"]),
            made_at=_moment(claims["iat"]),
            expires_at=_moment(claims["exp"]) if "exp" in claims else None,
            bits=_bits(listed),
            packed=_unpacked(decode(listed["lst"])),
        )
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise BadList(f"状态清单的格式不对（{type(error).__name__}）。请重新下载。") from error
    skew = timedelta(seconds=CLOCK_SKEW)
    if found.expires_at is not None and found.expires_at <= at - skew:
        raise ExpiredToken(f"状态清单已于 {found.expires_at:%Y-%m-%d %H:%M} UTC 过期，请重新下载。")
    if found.made_at > at + skew:
        raise ExpiredToken("状态清单的签发时间在将来，请校准本机的时钟。")
    if address is not None and found.address != address:
        raise BadList(f"这份状态清单（{found.address}）不是证照所指的那一份（{address}）。")
    return found


def place_of(metadata: Mapping[str, Any]) -> tuple[int, str] | None:
    """Index and address of the list in a licence's metadata; None: it names none."""
    try:
        place, address = metadata["status_list"]["idx"], metadata["status_list"]["uri"]
    except (KeyError, TypeError):
        return None
    if not isinstance(place, int) or isinstance(place, bool) or place < 0 or not isinstance(address, str):
        return None
    return place, address


def _moment(seconds: Any) -> datetime:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise TypeError("not a number")
    return datetime.fromtimestamp(seconds, UTC)


def _bits(listed: Mapping[str, Any]) -> int:
    bits: int = listed["bits"]
    if bits not in _BITS or isinstance(bits, bool):
        raise ValueError("bits")
    return bits


def _unpacked(data: bytes) -> bytes:
    reader = zlib.decompressobj()
    try:
        packed = reader.decompress(data, LARGEST_LIST)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if reader.unconsumed_tail or not reader.eof:
        raise ValueError("too large or cut off")
    return packed


__all__ = ["TYP", "BadList", "BadSignature", "ReadList", "place_of", "read_status_list"]
