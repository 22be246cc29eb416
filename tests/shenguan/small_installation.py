"""A supervisor with two small programs, run as a process by test_supervisor.py: DATA [broken-step|broken-program]."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from shenguan.settings import Settings
from shenguan.supervisor import Plan, Program, Report, Step, up

QUIET = "import time\nwhile True: time.sleep(1)"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + QUIET


def count(settings: Settings, report: Report) -> None:
    for n in range(10):
        report(n, 10)
        time.sleep(0.02)
    if "broken-step" in sys.argv:
        raise RuntimeError("迁移失败")


def programs(settings: Settings) -> list[Program]:
    made = [
        Program("quiet", [sys.executable, "-c", QUIET], title="安静的程序"),
        Program("stubborn", [sys.executable, "-c", STUBBORN], ready=lambda: True),
    ]
    if "broken-program" in sys.argv:
        made.append(Program("broken", [sys.executable, "-c", "raise SystemExit('配置有误')"], title="坏程序"))
    return made


def banner(settings: Settings) -> None:
    print(settings.public_url, settings.database_url, flush=True)


if __name__ == "__main__":
    up(Path(sys.argv[1]), Plan(steps=[Step("数数", count)], programs=programs, banner=banner))
