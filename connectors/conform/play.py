"""One trial: send everything, wait until all that must be signed for is, listen a little longer, judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from connectors.bus import Message
from connectors.conform.letters import Letter, letters
from connectors.conform.verdict import ASKED, Line, did, judge, read
from connectors.conform.workshop import Workshop

#: After the last answer that had to come: what must not come might come late.
LISTEN_S = 3.0
LOOK_S = 0.2


class Way(Protocol):
    """How messages go to and fro."""

    def send(self, sent: Sequence[Letter]) -> None:
        """Put them where the department looks, in order."""

    def heard(self) -> Sequence[Message]:
        """Everything that the department has said so far."""

    def complaints(self) -> Sequence[Line]:
        """What this way demands beside the messages, kept or not."""

    def close(self) -> None:
        """Let go."""


def play(
    shop: Workshop,
    way: Way,
    *,
    wait_s: float,
    tell: Callable[[str], None],
    asked: Collection[str] = (),
) -> list[Line]:
    """The verdict. What is `asked` (`verdict.ASKED`) is for people over there to do; they are told about which case."""
    sent = letters(shop)
    way.send(sent)
    known = {one.event_id: one for one in sent if one.expects == "signed"}
    tell(f"已送出 {len(sent)} 条消息，等待回执（最多 {wait_s:g} 秒）……")
    if asked:
        words = "、".join(ASKED[one] for one in asked)
        tell(f"请在被检验的程序中对办件 {sent[-1].key} 完成：{words}。")
    until = time.monotonic() + wait_s
    count = -1
    while time.monotonic() < until:
        messages = way.heard()
        if len(messages) != count:
            count = len(messages)
            heard = read(messages, shop)
            counted = any(one["type"] == "count.reported.v1" for one in heard.events.values())
            if counted and known.keys() <= heard.signed_for().keys() and set(asked) <= did(heard, known):
                until = min(until, time.monotonic() + LISTEN_S)
        time.sleep(LOOK_S)
    return [*judge(sent, way.heard(), shop, asked), *way.complaints()]
