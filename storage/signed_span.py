"""The place that a PDF's signature leaves open for itself: nothing but the signature may stand in it.

pyHanko takes a signature for one of the whole file where the lengths add up. A `/Contents` written as a plain string takes
half the room of the hexadecimal that is reckoned with, and in what is left a whole other document can be drawn.
"""

from __future__ import annotations

import re
from typing import Any

_HEXADECIMAL = re.compile(rb"<[0-9A-Fa-f\x00\t\n\f\r ]*>")
_BLANKS = b"\x00\t\n\f\r "
_LARGEST = 4 << 20


def open_only_for_itself(embedded: Any) -> bool:
    """Whether an embedded signature's byte range spares its own hexadecimal digits, and nothing else.

    Raises ValueError where the range is none.
    """
    begin, length, behind, rest = (int(one) for one in embedded.byte_range)
    if begin != 0 or length <= 0 or rest < 0 or not 0 < behind - length <= _LARGEST:
        return False
    stream = embedded.reader.stream
    stream.seek(length)
    spared = stream.read(behind - length)
    if not _HEXADECIMAL.fullmatch(spared):
        return False
    return bool(bytes.fromhex(spared[1:-1].translate(None, _BLANKS).decode()) == embedded.pkcs7_content)
