"""Every command that the documentation names exists, with the options it names; every page it links to is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

import hub.tables  # noqa: F401 - registers every table
from hub.model import Base
from shenguan.cli import COMMANDS, root
from shenguan.settings import Settings
from tests.docs.pages import PAGES, ROOT

ALL = (*PAGES, ROOT / "DECISIONS.md", ROOT / "CHANGELOG.md")
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_INLINE = re.compile(r"`(shenguan [a-z-][^`]*|make [a-z-]+)`")
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def _commands(page: Path) -> list[str]:
    text = page.read_text()
    lines = [line.partition(" #")[0] for block in _BLOCK.findall(text) for line in block.splitlines()]
    return [line.strip() for line in (*lines, *_INLINE.findall(text)) if line.strip()]


def _parse(words: list[str]) -> None:
    """Walk the groups to the command, then let click look at the options."""
    command: click.Command = root
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"no command {words[0]}"
        command, words = found, words[1:]
    if isinstance(command, click.Group):
        assert words in ([], ["--help"]), words
        return
    known = {option for param in command.params for option in param.opts} | {"--help"}
    for word in words:
        assert not word.startswith("--") or word in known, f"{command.name} has no {word}"
    takes = sum(isinstance(param, click.Argument) for param in command.params)
    values = [word for word in words if not word.startswith("--")]
    options = {
        option: param for param in command.params if isinstance(param, click.Option) for option in param.opts
    }
    used = sum(not options[word].is_flag for word in words if word in options)
    # In running text a command stands without its arguments; with options it must be complete.
    assert len(values) in (0, takes + used), (command.name, values)


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    """`shenguan …` and `make …` in a page are commands, options and targets that exist."""
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in _commands(page):
        words = shlex.split(line.partition(">")[0].partition("|")[0])
        if "shenguan" in words[:5] and words[0] in ("shenguan", "docker"):
            _parse(words[words.index("shenguan") + 1 :])
        elif words[:1] == ["make"]:
            assert words[1] in targets, line


def test_every_command_is_told_of() -> None:
    """README's table names every command of the command line."""
    text = (ROOT / "README.md").read_text()
    for name in COMMANDS:
        assert f"shenguan {name}" in text, name


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture is a file of the repository."""
    for target in _LINK.findall(page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_every_table_is_in_the_architecture() -> None:
    """docs/architecture.md lists every table of ours."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    for name in Base.metadata.tables:
        assert f"`{name}`" in text, name


def test_every_setting_is_in_the_operations_page() -> None:
    """docs/operations.md names every setting that a production hub may need."""
    text = (ROOT / "docs" / "operations.md").read_text()
    profile_only = {"data", "kafka_fetch_max_wait_ms"}
    for name in set(Settings.model_fields) - profile_only:
        assert f"`{name.upper()}`" in text, name
