"""What a start needs of the machine: room on the disk, and memory.

Guarantees: too little room on the disk refuses the start before anything is made; little memory is said and refuses nothing,
since a machine may have more than it tells. What cannot be asked here is not asked.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

LEAST_DISK, LEAST_MEMORY = 1 << 30, 1 << 30  # bytes; a fresh demo takes about 300 MB of each


class NoRoom(RuntimeError):
    """磁盘空间不够。"""


def look(
    data: Path, *, free: Callable[[Path], int] | None = None, memory: Path = Path("/proc/meminfo")
) -> str:
    """What should be said of this machine before a start; '' where there is enough. Raises NoRoom."""
    place = next(one for one in (data, *data.parents) if one.exists())
    left = free(place) if free else shutil.disk_usage(place).free
    if left < LEAST_DISK:
        raise NoRoom(
            f"{place} 所在的磁盘只剩 {left >> 20} MB，至少要 {LEAST_DISK >> 20} MB。"
            "请清理磁盘，或用环境变量 SHENGUAN_DATA 把数据目录放到别的磁盘上。"
        )
    available = _available(memory)
    if available is not None and available < LEAST_MEMORY:
        return (
            f"可用内存只有 {available >> 20} MB（全部部件约需 {LEAST_MEMORY >> 20} MB），启动可能很慢。"
            "请先关闭别的程序。"
        )
    return ""


def _available(memory: Path) -> int | None:
    try:
        lines = memory.read_text().splitlines()
    except OSError:
        return None
    said = next((line.split() for line in lines if line.startswith("MemAvailable:")), None)
    return int(said[1]) * 1024 if said else None
