"""What a start says of the machine it is to run on."""

from __future__ import annotations

from pathlib import Path

import pytest

from shenguan.room import LEAST_DISK, LEAST_MEMORY, NoRoom, look


def test_a_full_disk_refuses_and_says_what_to_do(tmp_path: Path) -> None:
    """Claim: with too little room the start is refused with the place, the figures and the setting that helps; nothing is
    made. The folder need not be there yet."""
    with pytest.raises(NoRoom, match=r"只剩 7 MB.*SHENGUAN_DATA"):
        look(tmp_path / "not" / "yet", free=lambda _: 7 << 20)
    assert list(tmp_path.iterdir()) == []


def test_little_memory_is_said_and_enough_is_not(tmp_path: Path) -> None:
    """Claim: little memory is told with its figure; enough, or a machine that does not tell, is silence."""
    told = tmp_path / "meminfo"
    for kilobytes, words in ((LEAST_MEMORY // 1024 - 1, "可用内存只有 1023 MB"), (LEAST_MEMORY // 1024, "")):
        told.write_text(f"MemTotal: 9 kB\nMemAvailable:   {kilobytes} kB\n")
        said = look(tmp_path, free=lambda _: LEAST_DISK, memory=told)
        assert said.startswith(words)
        assert bool(said) == bool(words)
    assert look(tmp_path, free=lambda _: LEAST_DISK, memory=tmp_path / "none") == ""
