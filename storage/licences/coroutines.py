"""The result of a coroutine, at once, on whatever thread. pyHanko's signing is written for event loops; ours is not."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_T = TypeVar("_T")


def now(work: Coroutine[Any, Any, _T]) -> _T:
    """Run it to its end; a thread that is inside an event loop itself lends us another one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, work).result()
