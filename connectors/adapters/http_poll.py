"""Reading a department's HTTP system page by page: how a page is asked for, what is in it, where the next one is.

Guarantees: the same place asks for the same page; a page is taken in pieces where more came than was asked for, and what is
added to the last page later is found. A next page that is not another one stops with words instead of going round for ever.
Relies on the other side giving its records oldest first and only adding to them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx

from connectors.adapters.http_address import port_of
from connectors.adapters.http_answer import read_json, read_path
from connectors.adapters.http_door import Said
from connectors.adapters.port import Collected, Incoming
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.encoding import Malformed, dumps, loads
from schemas.mapping.paths import found

CURSOR_CHARS = 4000
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel\s*=\s*"?next"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """The cursor of a page, how many of its records were taken, its ETag, and the fingerprint of the page before."""

    cursor: str = ""
    taken: int = 0
    etag: str = ""
    before: str = ""

    @classmethod
    def read(cls, text: str) -> Place:
        """What `written` wrote. Raises Misconfigured for what it did not."""
        if not text:
            return cls()
        try:
            value = loads(text)
            cursor, taken, etag, before = value
            return cls(str(cursor), int(taken), str(etag), str(before))
        except (Malformed, ValueError, TypeError) as error:
            raise Misconfigured("采集的起点不是本适配器写下的位置，请重新选择起点。") from error

    def written(self) -> str:
        """As text; the start is ''."""
        return "" if self == Place() else dumps([self.cursor, self.taken, self.etag, self.before]).decode()


@dataclass(frozen=True, slots=True)
class Paging:
    """The settings of a flow that say how pages are asked for."""

    url: httpx.URL
    way: str  # 'last_id', 'body', 'link', 'page', 'none'
    list_path: str
    id_field: str
    cursor_param: str
    next_path: str
    size_param: str
    size: int
    first_page: int

    def ask(self, at: Place) -> httpx.URL:
        """The address of the page at this place."""
        more: dict[str, str] = {}
        if self.size_param:
            more[self.size_param] = str(self.size)
        if self.way == "page":
            more[self.cursor_param] = at.cursor or str(self.first_page)
        elif self.way in ("link", "body") and at.cursor.startswith("/"):  # as `_followed` wrote it
            return self.url.copy_with(raw_path=at.cursor.encode("ascii"))
        elif at.cursor:
            more[self.cursor_param] = at.cursor
        return self.url.copy_merge_params(more)

    def read(self, said: Said, at: Place, limit: int) -> Collected:
        """What of this answer is new behind `at`, and the place behind that."""
        listed = self._listed(said)
        start = at.taken
        if self.way == "last_id":
            start = self._behind(listed, at.cursor)
        fresh = listed[start : start + limit]
        records = [self._incoming(one, at, start + number) for number, one in enumerate(fresh)]
        if start + len(fresh) < len(listed):
            return Collected(records, self._within(at, listed, start + len(fresh)).written(), True)
        following = self._after(said, at, listed, fresh)
        return Collected(records, following.written(), bool(listed) and following.cursor != at.cursor)

    def _listed(self, said: Said) -> Sequence[Any]:
        answer = read_json(said)
        listed = answer
        if self.list_path:
            listed = found(answer, self.list_path) if isinstance(answer, Mapping) else None
        if not isinstance(listed, list):
            where = f"“{self.list_path}”处" if self.list_path else "最外层"
            raise AdapterUnavailable(
                f"对方的答复里，{where}不是列表。请核对“列表所在字段”：{said.excerpt(80)}"
            )
        return listed

    def _incoming(self, one: Any, at: Place, number: int) -> Incoming:
        known = found(one, self.id_field) if self.id_field and isinstance(one, Mapping) else None
        ref = f"{self.id_field}={known}" if known is not None else f"{at.cursor[:40] or '起点'}#{number + 1}"
        if not isinstance(one, Mapping):
            return Incoming(ref, {}, "这一条不是对象（字段名到内容的对应），读不懂。")
        return Incoming(ref, one)

    def _within(self, at: Place, listed: Sequence[Any], taken: int) -> Place:
        if self.way == "last_id" and (last := self._last_id(listed[:taken])):
            return Place(last)
        return replace(at, taken=taken, etag="")

    def _last_id(self, records: Sequence[Any]) -> str:
        for one in reversed(records):
            known = found(one, self.id_field) if isinstance(one, Mapping) else None
            if known is not None:
                return _bounded(str(known))
        return ""

    def _behind(self, listed: Sequence[Any], cursor: str) -> int:
        """Past the record that the cursor names, for servers that give it once more."""
        for number, one in enumerate(listed):
            if cursor and isinstance(one, Mapping) and str(found(one, self.id_field)) == cursor:
                return number + 1
        return 0

    def _after(self, said: Said, at: Place, listed: Sequence[Any], fresh: Sequence[Any]) -> Place:
        """The place behind a page of which everything was taken."""
        if self.way == "last_id":
            return self._after_last_id(said, at, listed, fresh)
        stays = Place(at.cursor, len(listed), said.headers.get("etag", "")[:200], at.before)
        following = self._following(said, at, listed)
        if not following or (not listed and following == at.cursor):
            return stays
        if not listed:
            return Place(following, before=at.before)
        mark = _fingerprint(listed)
        if following == at.cursor or mark == at.before:
            raise AdapterUnavailable(
                "对方给出的下一页与这一页相同，采集停在原处以免重复。请核对分页参数；"
                "对方在末页之后重复给出末页时，请改用按编号或游标分页。"
            )
        return Place(following, before=mark)

    def _following(self, said: Said, at: Place, listed: Sequence[Any]) -> str:
        if self.way == "page":
            return str(int(at.cursor or self.first_page) + 1) if len(listed) >= self.size else ""
        if self.way == "link":
            given = _NEXT.search(said.headers.get("link", ""))
            return self._followed(given[1], at) if given else ""
        if self.way == "body":
            answer = read_json(said)
            value = found(answer, self.next_path) if isinstance(answer, Mapping) else None
            text = "" if value is None or isinstance(value, bool) else str(value)
            return (
                self._followed(text, at) if text.startswith(("http://", "https://", "/")) else _bounded(text)
            )
        return ""

    def _followed(self, link: str, at: Place) -> str:
        """A link to the next page, as a way on the same server. Raises AdapterUnavailable when it leads elsewhere."""
        try:
            url = self.ask(at).join(link)
        except (httpx.InvalidURL, ValueError) as error:
            raise AdapterUnavailable("对方给出的下一页不是有效的网址。") from error
        if (url.scheme, url.host, port_of(url)) != (self.url.scheme, self.url.host, port_of(self.url)):
            raise AdapterUnavailable(
                f"对方给出的下一页在另一台服务器上（{url.host}），连接器不跟随。请对方改正下一页的地址。"
            )
        return _bounded(url.raw_path.decode("ascii"))

    def _after_last_id(self, said: Said, at: Place, listed: Sequence[Any], fresh: Sequence[Any]) -> Place:
        if listed and not fresh and self.size_param and len(listed) >= self.size:
            raise AdapterUnavailable(
                f"对方没有理会游标参数“{self.cursor_param}”，每次都给同一页。请核对参数名称。"
            )
        last = self._last_id(fresh)
        if fresh and not last:
            raise AdapterUnavailable(
                f"对方的记录里没有编号字段“{self.id_field}”，不能接着往后采集。请核对编号字段。"
            )
        return Place(last) if last else replace(at, etag=said.headers.get("etag", "")[:200])


def _bounded(cursor: str) -> str:
    if len(cursor) > CURSOR_CHARS:
        raise AdapterUnavailable(f"对方给出的下一页位置超过 {CURSOR_CHARS} 个字符，不能保存。")
    return cursor


def _fingerprint(listed: Sequence[Any]) -> str:
    return hashlib.sha256(repr(listed).encode("utf-8", "replace")).hexdigest()[:16]


def read_paging(base: Callable[[str], httpx.URL], place: Mapping[str, Any]) -> Paging:
    """The settings of a flow that collects. Raises Misconfigured."""
    url = base(place["path"])
    for part in filter(None, (one.strip() for one in place["query"].replace("\n", "&").split("&"))):
        name, _, value = part.partition("=")
        url = url.copy_add_param(name, value)
    return Paging(
        url=url,
        way=place["paging"],
        list_path=read_path(place["list_path"], "列表所在字段"),
        id_field=read_path(place["id_field"], "编号字段"),
        cursor_param=place["cursor_param"],
        next_path=read_path(place["next_path"], "下一页所在字段"),
        size_param=place["size_param"],
        size=int(place["page_size"]),
        first_page=int(place["first_page"]),
    )
