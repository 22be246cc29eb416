"""Become another program, tied to the life of the starter (run as a script: `python -I -S launch.py ...`).

Guarantees: the program gets the named signal when its starter dies, even by `kill -9`; when a user id is given it
runs without root's identity and keeps at most one capability, the one to pass through folders closed to others.
Not a guarantee: anything outside Linux, where the program is simply executed.

Usage: launch.py PARENT_PID DEATH_SIGNAL UID:GID|- PROGRAM [ARGUMENT...]

A script of its own, not a `preexec_fn`: code between fork and exec in a process with threads may deadlock.
Why a capability: PostgreSQL refuses to run as root, and a checkout below /root (mode 0700) cannot be entered by
anyone else. CAP_DAC_READ_SEARCH lets it read its own programs and reach its own data there, and nothing more.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _permitted_capabilities() -> int:
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("CapPrm:"):
                return int(line.split()[1], 16)
    return 0


def _drop_to(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Give up root for good, keeping only the right to pass through closed folders where we have it."""
    permitted = _permitted_capabilities()
    keep = next((c for c in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if permitted >> c & 1), None)
    if keep is not None:
        # access(2), with which PostgreSQL looks for its own programs, forgets capabilities without this bit.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if keep is None:
        return
    header = _CapHeader(CAPABILITY_VERSION_3, 0)
    data = (_CapData * 2)(_CapData(1 << keep, 1 << keep, 1 << keep), _CapData(0, 0, 0))
    if libc.capset(ctypes.byref(header), ctypes.byref(data)) != 0:
        sys.exit("launch: capset failed")  # never go on with more rights than meant
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, keep, 0, 0)


def main(arguments: list[str]) -> None:
    parent, death_signal, identity, *argv = arguments
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if identity != "-":
            uid, _, gid = identity.partition(":")
            _drop_to(libc, int(uid), int(gid))
        # After the change of user: the kernel forgets the death signal when credentials change.
        libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != int(parent):  # it died before we asked to be told
            sys.exit(1)
    os.execvp(argv[0], argv)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
