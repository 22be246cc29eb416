"""Names of files that records bring: what others wrote, so only what stays below the folder that was set is looked for."""

from __future__ import annotations

import re

from connectors.adapters.port import NoFile
from connectors.adapters.shelf import seen

_LONGEST, _LONGEST_PART = 400, 255  # characters; bytes, as file systems take them
_DRIVE = re.compile(r"[A-Za-z]:")


def plain_name(written: str) -> tuple[str, str]:
    """Folder and name of a file below the one that was set ('' is that itself). Raises NoFile."""
    name = written.strip().replace("\\", "/")
    parts = [part for part in name.split("/") if part != "."]
    if not name or len(name) > _LONGEST or any(ord(letter) < 32 for letter in name):
        raise NoFile(f"佐证文件的名称“{written.strip()[:60]}”不对，应为一个文件的名称")
    if name.startswith("/") or _DRIVE.match(name):
        raise NoFile(f"佐证文件“{written.strip()[:100]}”写的是绝对路径，只能写约定文件夹之下的名称")
    if any(len(part.encode("utf-8", "replace")) > _LONGEST_PART for part in parts):
        raise NoFile(f"佐证文件“{written.strip()[:60]}”的名称太长")
    if ".." in parts or "" in parts or not all(seen(part) for part in parts):
        raise NoFile(f"佐证文件“{written.strip()[:100]}”的名称不能含有“..”，也不能是隐藏文件")
    return "/".join(parts[:-1]), parts[-1]
