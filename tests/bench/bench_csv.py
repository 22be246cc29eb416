"""What collecting a CSV costs: the folder adapter's `collect`, page by page, beside `csv.DictReader` over the
same file; and how much more memory a million rows need than ten thousand, each in a process of its own.

Copying, digesting, finding out the encoding and naming every row are all in our arm; the bare arm is told the encoding.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from schemas import dumps

#: A row as the national sheets have it: ten columns, Chinese in most of them.
HEADING = "编号,行政相对人名称,统一社会信用代码,许可文书,许可类别,许可内容,有效期自,有效期至,许可机关,备注\n"
ROW = (
    "XK-{0:08d},示范县青禾饮食有限公司第{0}店,91370102MA3C00011F,示市监许字〔2026〕{0}号,普通,准予餐饮服务经营,"
    "2026-11-21,2031-11-20,示范县市场监督管理局,\n"
)


def run(*, rows: int = 1_000_000, few: int = 10_000, repetitions: int = 3) -> dict[str, object]:
    """Rows a second of both, their ratio, and the ratio of the peaks."""
    with tempfile.TemporaryDirectory(prefix="bench-csv-") as folder:
        base = Path(folder)
        small, large = _file(base / "small", few), _file(base / "large", rows)
        taken: dict[str, list[float]] = {"bare": [], "collect": []}
        for _ in range(repetitions):
            for arm, code in (("bare", _BARE), ("collect", _COLLECT)):
                taken[arm].append(_seconds(code, large, rows))
        median = {arm: statistics.median(times) for arm, times in taken.items()}
        peaks = {count: _peak(at) for count, at in ((few, small), (rows, large))}
    return {
        "rows": rows,
        "per_second": {arm: round(rows / seconds) for arm, seconds in median.items()},
        "ratio": round(median["bare"] / median["collect"], 2),
        "peak_mib": {str(count): round(peak / 1024, 1) for count, peak in peaks.items()},
        "memory": round(peaks[rows] / peaks[few], 3),
    }


def _file(base: Path, rows: int) -> Path:
    path = base / "x" / "in" / "a.csv"
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADING)
        file.writelines(ROW.format(number) for number in range(rows))
    return base


def _seconds(code: str, base: Path, rows: int) -> float:
    count, seconds, _ = _child(code, base)
    if count != rows:
        raise AssertionError(f"{count} of {rows} rows")
    return seconds


def _peak(base: Path) -> int:
    return _child(_COLLECT, base)[2]


def _child(code: str, base: Path) -> tuple[int, float, int]:
    answer = subprocess.run(
        [sys.executable, "-c", code, str(base)], capture_output=True, check=True, text=True
    )
    count, seconds, peak = answer.stdout.split()
    return int(count), float(seconds), int(peak)


_END = """
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(count, time.perf_counter() - begun, peak.split()[1])
"""
_BARE = (
    """
import csv, sys, time
begun, count = time.perf_counter(), 0
with open(sys.argv[1] + "/x/in/a.csv", encoding="utf-8", newline="") as file:
    for row in csv.DictReader(file):
        count += 1
"""
    + _END
)
_COLLECT = (
    """
import sys, time
from pathlib import Path
from connectors.adapters import Outside, open_adapter
from connectors.adapters.port import Answer
from schemas.connector.document import Endpoint, Flow
begun, count = time.perf_counter(), 0
flow = Flow("f", "in", "x", "e", {"folder": "in", "quiet_seconds": 0})
adapter = open_adapter(Endpoint("e", "folder", {"root": "x"}), flow, Outside(base=Path(sys.argv[1])))
place, more = "", True
while more:
    page = adapter.collect(place, 500)
    place, more = page.place, page.more
    count += len(page.records)
adapter.close()
"""
    + _END
)


@click.command()
@click.option("--rows", default=1_000_000, show_default=True)
def main(rows: int) -> None:
    """Run it and show what came out."""
    click.echo(dumps(run(rows=rows)).decode())


if __name__ == "__main__":
    main()
