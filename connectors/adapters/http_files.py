"""Files that the records of an HTTP system name: asked for at the address that was set, on the same server alone.

Guarantees: an address in a record that leads to another server is refused, never asked; what is given is whole and bounded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO, Protocol
from urllib.parse import quote

import httpx

from connectors.adapters.file_names import plain_name
from connectors.adapters.http_address import port_of
from connectors.adapters.http_answer import is_page, refuse_for_all
from connectors.adapters.http_door import AnswerTooLong, Ask, Said
from connectors.adapters.port import NoFile

NAME = "{name}"
#: An answer is in memory until it is whole.
LARGEST = 20 << 20


class _System(Protocol):
    def at(self, path: str) -> httpx.URL: ...
    def request(self, ask: Ask) -> Said: ...


def fetch(system: _System, files_at: str, written: str, into: IO[bytes], most: int) -> None:
    """As the port says. Raises NoFile, AdapterUnavailable where it is not this file's fault."""
    if not files_at:
        raise NoFile("没有写明佐证文件在哪里，请在线路的位置中填写“佐证文件在哪里”")
    address, name = _address(system.at, files_at, written.strip())
    limit = min(most, LARGEST)
    try:
        said = system.request(Ask("GET", str(address), {"Accept": "*/*"}, b"", limit))
    except AnswerTooLong as error:
        raise NoFile(f"佐证文件 {name} 超过 {limit >> 20} MiB 的上限") from error
    if said.status == 200 and is_page(said):
        raise NoFile(f"佐证文件 {name} 取不到：对方给的是一个网页，不是文件")
    if said.status == 200 and said.body:
        into.write(said.body)
        return
    if said.status not in (403, 404):  # these speak of the one file
        refuse_for_all(said, time.time())
    raise NoFile(f"佐证文件 {name} 取不到（对方答复 {said.status}）：{said.excerpt(80) or '没有内容'}")


def _address(at: Callable[[str], httpx.URL], files_at: str, written: str) -> tuple[httpx.URL, str]:
    """The whole address that a record gives, or the one that was set with the record's name in it."""
    ours = at(files_at.replace(NAME, "x"))
    if not written.lower().startswith(("http://", "https://")):
        folder, name = plain_name(written)
        path = quote(f"{folder}/{name}" if folder else name, safe="/")
        return at(files_at.replace(NAME, path) if NAME in files_at else f"{files_at}/{path}"), name
    try:
        given = httpx.URL(written)
        same = (given.scheme, given.host, port_of(given)) == (ours.scheme, ours.host, port_of(ours))
    except (httpx.InvalidURL, ValueError) as error:
        raise NoFile(f"佐证文件的地址“{written[:100]}”不是有效的网址") from error
    if not same or given.userinfo:
        raise NoFile(
            f"佐证文件的地址“{written[:100]}”在另一台服务器上，连接器不去取。请对方改为本接口之下的地址"
        )
    return given.copy_with(fragment=None), given.path.rpartition("/")[2] or "file"
