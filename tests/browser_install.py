"""Makes sure that there is a Chromium for the browser tests: finds one, else installs one, else says what to do.

`find()` is what the browser tests use. Run as a module it installs; it never lets the tests be skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PATIENCE_MS = 60_000  # how long a page may take, on a machine that does other things as well
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The program of a browser that starts, else None."""
    from playwright.sync_api import sync_playwright

    for name in NAMES:
        path = shutil.which(name)
        if path and _starts(path):
            return path
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() and _starts(own) else None


def _starts(program: str) -> bool:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _apt(*packages: str) -> bool:
    """Install Debian packages; False when this is not possible here."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    for command in (install, ["apt-get", "update"], install):
        done = subprocess.run(command, env=env, check=False, stdout=subprocess.DEVNULL)
        if done.returncode == 0 and command is install:
            return True
    return False


def _has_chinese_font() -> bool:
    if not shutil.which("fc-list"):
        return False
    return bool(subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=False).stdout.strip())


def main() -> int:
    browser = find()
    if browser is None:
        print("没有找到 Chromium，正在安装……", flush=True)
        _apt("chromium", "fonts-noto-cjk")
        browser = find()
    if browser is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
        browser = find()
    if browser is None:
        print(
            "浏览器测试需要 Chromium，这里既没有也装不上。请安装 Debian 软件包 chromium，"
            f"或执行 {sys.executable} -m playwright install --with-deps chromium，然后重试。",
            file=sys.stderr,
        )
        return 1
    if not _has_chinese_font() and not _apt("fonts-noto-cjk", "fontconfig"):
        print("提示：没有中文字体，页面截图里的汉字会显示为方框；不影响测试结果。")
    print(f"浏览器：{browser}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
