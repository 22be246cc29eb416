"""What the command line says when something fails: one sentence, an exit code, and a log for what nobody expected.

Guarantees: no traceback on the screen; with --json the sentence is also on standard output as {"error": …}. Knows the
errors of other packages only when those packages are already loaded, so that it costs no import.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from click import exceptions as wrong

from shenguan.cli.screen import print_json

OURS = ("hub.", "storage.", "connectors.", "shenguan.", "schemas.")


def run(root: click.Command, argv: Sequence[str]) -> int:
    """Run a command line; the exit code."""
    try:
        result = root.main(list(argv), prog_name="shenguan", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as nothing:
        click.echo(nothing.ctx.get_help() if nothing.ctx else nothing.format_message(), err=True)
        return 2
    except click.UsageError as error:
        hint = f"\n用 {error.ctx.command_path} --help 查看用法。" if error.ctx else ""
        return _fail(argv, _usage(error) + hint, 2)
    except click.ClickException as error:
        return _fail(argv, error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail(argv, "已中断。", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _fail(argv, sentence(error) or _unexpected(error), 1)
    return result if isinstance(result, int) else 0


def _fail(argv: Sequence[str], words: str, code: int) -> int:
    if "--json" in argv:
        print_json({"error": words})
    click.echo(words, err=True)
    return code


def sentence(error: BaseException) -> str | None:
    """The error as a sentence, None when it is nobody's expectation."""
    if database := sys.modules.get("sqlalchemy.exc"):
        if isinstance(error, database.OperationalError | database.InterfaceError | database.TimeoutError):
            return f"数据库连接不上或中途断开：{_first_line(getattr(error, 'orig', None) or error)}"
        if isinstance(error, database.ProgrammingError) and "UndefinedTable" in type(error.orig).__name__:
            return "数据库还没有建表：请先运行 shenguan migrate。"
    if type(error).__module__.startswith(OURS) and str(error):
        return str(error)
    if isinstance(error, TimeoutError) and str(error):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return f"缺少软件包 {error.name}：请按用途安装 shenguan-hub[hub]、[connector] 或 [embedded]。"
    if isinstance(error, PermissionError):
        return f"没有权限访问 {error.filename}：请检查文件的属主和权限。"
    if isinstance(error, OSError) and error.filename:
        return f"无法访问 {error.filename}：{error.strerror}。"
    return None


def _first_line(error: object) -> str:
    text = " ".join(str(error).split())
    return text[:200]


def _unexpected(error: Exception) -> str:
    log = _log_file()
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    with log.open("a", encoding="utf-8") as out:
        out.write(f"{moment} {type(error).__name__}\n{''.join(traceback.format_exception(error))}\n")
    return f"出现了没有预料到的错误（{type(error).__name__}）。详情已写入 {log}，请把它交给维护人员。"


def _log_file() -> Path:
    logs = Path(os.environ.get("SHENGUAN_DATA", ".shenguan")) / "logs"
    if logs.is_dir() and os.access(logs, os.W_OK):
        return logs / "errors.log"
    handle, name = tempfile.mkstemp(prefix="shenguan-", suffix=".log")
    os.close(handle)
    return Path(name)


def _usage(error: click.UsageError) -> str:
    if isinstance(error, wrong.MissingParameter):
        shown = error.param.make_metavar(error.ctx) if error.param and error.ctx else error.param_hint
        option = error.param.opts[0] if isinstance(error.param, click.Option) else shown
        return f"缺少参数 {option}。"
    if isinstance(error, wrong.NoSuchOption):
        near = f"，是否要写 {'、'.join(error.possibilities)}" if error.possibilities else ""
        return f"没有选项 {error.option_name}{near}。"
    if isinstance(error, wrong.BadOptionUsage):
        return f"选项 {error.option_name} 用得不对：{error.message}"
    if isinstance(error, wrong.BadParameter):
        name = error.param.opts[0] if error.param else (error.param_hint or "")
        return f"{name} 的值不对：{error.message}"
    if "No such command" in error.message:
        return f"没有命令 {error.message.split(chr(39))[1]}。"
    if "unexpected extra argument" in error.message:
        return f"多出了参数：{error.message.partition('(')[2].rstrip(').')}。"
    return error.message
