"""A limited process: foreign files are parsed in a child that may die, hang or swell without taking us with it.

Guarantees: the child has bounded memory, processor time and run time, no environment of ours but what Python needs, and
is gone when the call returns. It limits itself before it touches anything foreign (running code between fork and exec
is not safe among threads), and only then imports the module that does the work.
"""

from __future__ import annotations

import os
import resource
import runpy
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_ANSWER_LARGEST = 64 << 20


class Died(Exception):
    """The child did not answer: it crashed, ran out of time or of memory."""


def run_limited(
    module: str, *arguments: str, seconds: int, memory: int, keep: tuple[int, ...] = (), given: bytes = b""
) -> bytes:
    """What `python -m module arguments` writes. `keep`: descriptors it inherits. Raises Died."""
    limits = (str(seconds), str(memory))
    try:
        done = subprocess.run(
            [sys.executable, "-s", "-P", "-W", "ignore", "-m", __name__, *limits, module, *arguments],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},
            pass_fds=keep,
            timeout=2 * seconds,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise Died(str(error)) from error
    if done.returncode != 0 or len(done.stdout) > _ANSWER_LARGEST:
        raise Died(f"{module}: {done.returncode}")
    return done.stdout


def _become(arguments: list[str]) -> None:
    """In the child: take the limits on, then be the module."""
    seconds, memory = int(arguments[0]), int(arguments[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    os.nice(5)
    sys.argv = arguments[2:]
    runpy.run_module(arguments[2], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _become(sys.argv[1:])
