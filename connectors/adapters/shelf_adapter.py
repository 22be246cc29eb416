"""The adapter of every kind of shelf: what a flow's place says, delivering, collecting, and looking layer after layer.

A rehearsal keeps to the folder `sandbox/` of the root: it delivers there, and collects what was put there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter, Answer, Collected, Column, NoFile, Outgoing, Refusal, Step
from connectors.adapters.reachable import Watch
from connectors.adapters.shelf import FolderMissing, Shelf, below, inside
from connectors.adapters.shelf_files import NamedFiles
from connectors.adapters.shelf_in import Dropped, Inbox
from connectors.adapters.shelf_out import Outbox, Written
from connectors.errors import AdapterUnavailable, Misconfigured
from connectors.formats import Reading, Writing
from schemas.connector.document import Flow
from schemas.mapping.paths import parsed

SANDBOX = "sandbox"
_DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|", "auto": "auto"}


class ShelfAdapter(Adapter):
    """One shelf, opened for one flow or for none."""

    def __init__(self, shelf: Shelf, flow: Flow | None, outside: Outside) -> None:
        self._shelf, self._flow, self._outside = shelf, flow, outside
        self._inbox: Inbox | None = None
        self._outbox: Outbox | None = None
        self._files: NamedFiles | None = None
        self._folder = ""
        if flow is None:
            return
        self._folder = inside(str(flow.place.get("folder", flow.direction)))
        if outside.sandbox:
            self._folder = below(SANDBOX, self._folder)
        if flow.direction == "out":
            self._outbox = Outbox(shelf, _written(flow, self._folder), outside.clock)
        else:
            dropped = _dropped(flow.place, self._folder)
            self._inbox = Inbox(shelf, dropped, outside.clock)
            if files_at := str(flow.place.get("files_at", "")).strip():
                folder = below(self._folder, inside(files_at)) if inside(files_at) else self._folder
                # A marker speaks for all that came with it.
                quiet_s = 0.0 if dropped.marker else dropped.quiet_seconds
                self._files = NamedFiles(shelf, folder, quiet_s, outside.clock)

    def check(self) -> Iterator[Step]:
        """The way there, what may be done there, and whether the flow's folder is as it should be."""
        for step in self._shelf.check():
            yield step
            if not step.ok:
                return
        watch = Watch()
        try:
            yield from self._look(watch)
        except FolderMissing as error:
            shown = f"“{self._folder}”" if self._folder else "根目录"
            yield watch.step(
                "shape",
                False,
                f"没有文件夹{shown}。",
                "请在对方系统上建立它，或改正文件夹的名称。",
                error.message,
            )
        except (AdapterUnavailable, Misconfigured) as error:
            yield watch.step("shape", False, error.message, "请按提示处理后再测试。")

    def deliver(self, batch: Sequence[Outgoing]) -> list[Refusal | None]:
        """One file for each record or one for the batch, as the flow says."""
        if self._outbox is None:
            raise Misconfigured("这个连接没有为送出而打开。")
        if self._outside.sandbox and batch:
            self._shelf.make(self._folder)
        try:
            return self._outbox.deliver(batch)
        except AdapterUnavailable:
            self._outbox.forget()
            raise

    def collect(self, place: str, limit: int) -> Collected:
        """The records of the files that are ready, oldest first."""
        if self._inbox is None:
            raise Misconfigured("这个连接没有为采集而打开。")
        try:
            return self._inbox.collect(place, limit)
        except FolderMissing:
            if self._outside.sandbox:
                return Collected((), place, False)  # nobody put anything there for the rehearsal
            raise

    def settle(self, answers: Sequence[Answer]) -> None:
        """Finished files go to `done/`, or to `failed/` with a list of problems."""
        if self._inbox is not None:
            self._inbox.settle(answers)

    def fetch_file(self, name: str, into: IO[bytes], most: int) -> None:
        """From the folder that the flow's place names."""
        if self._files is None:
            raise NoFile("没有写明佐证文件在哪里，请在线路的位置中填写“佐证文件在哪里”")
        self._files.fetch(name, into, most)

    def columns(self) -> Sequence[Column]:
        """Those of the newest file that was dropped; what is delivered has the columns of the mapping."""
        return self._inbox.columns() if self._inbox is not None else ()

    def found(self, batch: Sequence[Outgoing]) -> Sequence[Mapping[str, Any] | None] | None:
        """Read back from the files."""
        if self._outbox is None:
            return None
        return self._outbox.found(batch)

    def close(self) -> None:
        """Let go of the copy in hand and of the connection."""
        if self._inbox is not None:
            self._inbox.close()
        self._shelf.close()

    def _look(self, watch: Watch) -> Iterator[Step]:
        files = self._shelf.files(self._folder)
        if self._flow is None:
            yield watch.step("permission", True, "可以查看根目录。")
            return
        doing = "写入" if self._outbox is not None else "移动处理完的文件"
        if why := self._shelf.try_writing(self._folder):
            advice = f"请让对方系统的管理员给这个用户写入“{self._folder or '根目录'}”的权限。"
            yield watch.step("permission", False, f"不能{doing}：{why}。", advice)
            return
        yield watch.step("permission", True, f"可以查看，也可以{doing}。")
        if self._inbox is None:
            yield watch.step("shape", True, f"文件夹存在，现有 {len(files)} 个文件。")
            return
        if self._files is not None:
            yield (step := self._look_at_files(watch, self._files))
            if not step.ok:
                return
        yield self._look_at_newest(watch, self._inbox)

    def _look_at_files(self, watch: Watch, files: NamedFiles) -> Step:
        try:
            count = files.count()
        except FolderMissing as error:
            words = f"没有放佐证文件的文件夹“{files.shown}”。"
            advice = "请在对方系统上建立它，或改正线路的“佐证文件在哪里”。"
            return watch.step("shape", False, words, advice, error.message)
        return watch.step("shape", True, f"放佐证文件的文件夹“{files.shown}”存在，现有 {count} 个文件。")

    def _look_at_newest(self, watch: Watch, inbox: Inbox) -> Step:
        newest = inbox.newest(self._folder)
        if newest is None:
            return watch.step("shape", True, "文件夹存在，目前没有待采集的文件。")
        names, fault = inbox.look_at(newest)
        if fault:
            return watch.step(
                "shape",
                False,
                f"最新的文件 {newest.name} 读不懂：{fault}",
                "请重新导出，或改正文件格式的设置。",
            )
        listed = "、".join(names[:20]) + ("……" if len(names) > 20 else "")
        return watch.step("shape", True, f"最新的文件 {newest.name} 可以读取，有 {len(names)} 列：{listed}。")


def _written(flow: Flow, folder: str) -> Written:
    said = flow.place
    kind, per = str(said.get("format", "csv")), said.get("per", "record")
    shape: Any = "object" if per == "record" else said.get("json_shape", "array")
    writing = Writing(
        encoding=str(said.get("encoding", "utf-8-sig")),
        delimiter=_DELIMITERS[str(said.get("delimiter", "comma"))],
        formula_safe=bool(said.get("formula_safe", True)),
        json_shape=shape,
        root_element=str(said.get("root_element") or "records"),
        record_element=str(said.get("record_element") or "record"),
    )
    columns = tuple(dict.fromkeys(str(parsed(rule.target)[0]) for rule in flow.fields))
    return Written(folder, kind, per, str(said.get("name", "")), columns, writing)


def _dropped(said: Mapping[str, Any], folder: str) -> Dropped:
    reading = Reading(
        encoding=str(said.get("encoding", "auto")),
        delimiter=_DELIMITERS[str(said.get("delimiter", "auto"))],
        quote=said.get("quote", "double"),
        header_row=int(said.get("header_row", 0)),
        header_rows=int(said.get("header_rows", 1)),
        sheet=str(said.get("sheet", "")),
        records_at=str(said.get("records_at", "")),
        record_element=str(said.get("record_element", "")),
    )
    return Dropped(
        folder,
        kind=str(said.get("format", "auto")),
        pattern=str(said.get("pattern") or "*"),
        marker=str(said.get("marker") or ".ok") if said.get("ready", "quiet") == "marker" else "",
        quiet_seconds=float(said.get("quiet_seconds", 5)),
        most_bytes=int(said.get("most_mb", 1024)) << 20,
        reading=reading,
    )
