"""Re-create and check the browser libraries that the admin ships.

Guarantees: what stands in `admin/static/vendor/` is byte for byte the published npm package's file, by SHA256SUMS.
`--check` (default) only compares; `--fetch` runs `npm pack` and copies anew. Does not choose versions: PACKAGES does.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "admin" / "static" / "vendor"
SUMS = VENDOR / "SHA256SUMS"

#: npm package -> {path inside it: file name here}
PACKAGES = {
    "echarts@6.1.0": {
        "package/dist/echarts.common.min.js": "echarts-6.1.0.common.min.js",
        "package/LICENSE": "echarts.LICENSE",
        "package/NOTICE": "echarts.NOTICE",
    },
    "htmx.org@4.0.1": {
        "package/dist/htmx.min.js": "htmx-4.0.1.min.js",
        "package/LICENSE": "htmx.LICENSE",
    },
}


def sums() -> str:
    """SHA256SUMS of what is there, as `sha256sum` writes it."""
    files = sorted(path for path in VENDOR.iterdir() if path.name != SUMS.name)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def fetch() -> None:
    """Copy the wanted files out of the npm packages."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for package, wanted in PACKAGES.items():
            done = subprocess.run(
                ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
            )
            with tarfile.open(Path(folder) / done.stdout.strip().splitlines()[-1]) as archive:
                for inside, here in wanted.items():
                    member = archive.extractfile(inside)
                    if member is None:
                        raise SystemExit(f"{package} 中没有 {inside}")
                    (VENDOR / here).write_bytes(member.read())
    SUMS.write_text(sums(), encoding="utf-8")


def main() -> int:
    """0 when the files are what SHA256SUMS says."""
    if "--fetch" in sys.argv[1:]:
        fetch()
    if sums() != SUMS.read_text(encoding="utf-8"):
        sys.stderr.write(
            "admin/static/vendor 与 SHA256SUMS 不一致，请运行 python deploy/vendor_assets.py --fetch\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
