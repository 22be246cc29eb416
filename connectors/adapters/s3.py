"""A prefix in a department's bucket, handled as a folder. What is renamed elsewhere is copied and removed here.

Guarantees: an object is seen only when it is whole, so nobody waits; only judged addresses are dialled.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from urllib.parse import urlsplit

from connectors.adapters.guard import dial
from connectors.adapters.outside import Outside
from connectors.adapters.port import Adapter, Step
from connectors.adapters.reachable import Target, Watch, reach
from connectors.adapters.shelf import Lying, Shelf, TooLarge, inside, seen
from connectors.adapters.shelf_adapter import ShelfAdapter
from connectors.adapters.tls import tls_context
from connectors.errors import AdapterUnavailable, Misconfigured
from schemas.connector.document import Endpoint, Flow
from storage.bucket import Bucket, BucketAt, BucketFault

_ADVICE = {
    "sign_in": "请核对访问密钥，并确认地址是对方 S3 服务的地址、本机的时钟准确。",
    "permission": "请对方给这个访问密钥列出、读取、写入和删除这个前缀的权限。",
    "shape": "请核对存储桶的名称，或请对方建立它。",
    "tcp": "请稍后再试；仍然失败时联系对方的系统管理员。",
}


def open_adapter(endpoint: Endpoint, flow: Flow | None, outside: Outside) -> Adapter:
    """The adapter of a prefix in a bucket."""
    said = endpoint.settings
    at = BucketAt(
        str(said.get("endpoint", "")).strip().rstrip("/"),
        str(said.get("bucket", "")),
        region=str(said.get("region") or "us-east-1"),
        virtual_host=said.get("addressing") == "virtual",
        access_key=outside.secrets.get("access_key", ""),
        secret_key=outside.secrets.get("secret_key", ""),
    )
    return ShelfAdapter(
        S3Shelf(at, str(said.get("prefix", "")), str(said.get("ca", "")), outside), flow, outside
    )


class S3Shelf(Shelf):
    """One prefix of one bucket."""

    whole = True

    def __init__(self, at: BucketAt, prefix: str, ca: str, outside: Outside) -> None:
        parts = urlsplit(at.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.username:
            raise Misconfigured(f"对象存储的地址“{at.endpoint}”不对，应为 http(s)://主机:端口。")
        tls = tls_context(ca) if parts.scheme == "https" else None
        self._target = Target(parts.hostname, parts.port or (443 if tls else 80), tls)
        self._prefix, self._outside = inside(prefix), outside
        self._bucket = Bucket(at, lambda host, port, seconds: dial(host, port, outside, seconds), tls)
        self.where = f"存储桶 {at.bucket}"

    def check(self) -> Iterator[Step]:
        """The way there, then one look at the bucket: its answer says how far we got."""
        held = yield from reach(self._target, self._outside)
        if not held:
            return
        watch = Watch()
        try:
            next(self._bucket.found(self._at("")), None)
        except BucketFault as fault:
            if fault.layer in ("permission", "shape"):
                yield watch.step("sign_in", True, "访问密钥有效。")
            if fault.layer == "shape":
                yield watch.step("permission", True, "可以查询。")
            layer = "sign_in" if fault.layer == "tcp" else fault.layer
            yield watch.step(layer, False, f"{fault.words}。", _ADVICE[fault.layer], fault.said)
            return
        yield watch.step("sign_in", True, "访问密钥有效，存储桶存在。")

    def files(self, folder: str) -> list[Lying]:
        """The objects right below; a folder that was never written to is empty."""
        with self._watched():
            found = list(self._bucket.found(self._at(folder)))
        return [
            Lying(one.name, one.size, one.modified.timestamp(), one.etag) for one in found if seen(one.name)
        ]

    def find(self, folder: str, name: str) -> Lying | None:
        """The object of this name."""
        with self._watched():
            one = self._bucket.look(self._at(folder) + name)
        return None if one is None else Lying(name, one.size, one.modified.timestamp(), one.etag)

    def fetch(self, folder: str, found: Lying, into: IO[bytes], most: int) -> bool:
        """In one answer, so that it cannot change meanwhile."""
        with self._watched():
            pieces = self._bucket.get(self._at(folder) + found.name)
            if (etag := next(pieces, None)) is None or etag.decode() != found.version:
                return False
            total = 0
            for piece in pieces:
                total += len(piece)
                if total > most:
                    raise TooLarge
                into.write(piece)
        return total == found.size

    def put(self, folder: str, name: str, file: IO[bytes]) -> None:
        """The store shows an object when it has all of it."""
        with self._watched():
            self._bucket.put(self._at(folder) + name, file)

    def has(self, folder: str, name: str) -> bool:
        """Whether there is an object of this name."""
        with self._watched():
            return self._bucket.has(self._at(folder) + name)

    def move(self, folder: str, name: str, to: str) -> str | None:
        """Copied, then removed: after a crash in between it lies in both places, and is moved again."""
        target = self.free(to, name)
        with self._watched():
            if not self._bucket.copy(self._at(folder) + name, self._at(to) + target):
                return None
            self._bucket.remove(self._at(folder) + name)
            return target

    def remove(self, folder: str, name: str) -> None:
        """One that is gone already is no error."""
        with self._watched():
            self._bucket.remove(self._at(folder) + name)

    def make(self, folder: str) -> None:
        """A prefix is there as soon as something is below it."""

    def try_writing(self, folder: str) -> str:
        """An object that is gone again at once; not tried where even that would leave a trace."""
        name = self._at(folder) + f".shenguan-{secrets.token_hex(6)}"
        with self._watched():
            if self._bucket.keeps_versions():
                return ""
            try:
                self._bucket.put(name, io.BytesIO(b""))
                self._bucket.remove(name)
            except BucketFault as fault:
                if fault.layer == "permission":
                    return fault.words
                raise
        return ""

    def close(self) -> None:
        """Hang up."""
        self._bucket.close()

    def _at(self, folder: str) -> str:
        path = "/".join(part for part in (self._prefix, inside(folder)) if part)
        return f"{path}/" if path else ""

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except BucketFault as fault:
            said = f"（{fault.said}）" if fault.said else ""
            raise AdapterUnavailable(f"{self.where}：{fault.words}{said}。{_ADVICE[fault.layer]}") from fault
