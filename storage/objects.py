"""One bucket of an S3 object store. The only place that knows the `minio` client.

Guarantees: every failure of the store is one of our errors with a sentence (Unavailable, NotFound, Conflict); a store
that is gone is noticed within about five seconds; an object appears whole or not at all.
Needs nothing beyond plain S3: conditional puts, versioning and object lock are used by nobody here.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, Protocol, cast
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from hub.errors import NotFound, Rejected, Unavailable

PART = 8 << 20
_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 20.0
_CHECK_SECONDS = 3.0
_GONE = "对象存储（{0}）暂时连接不上。数据没有丢失，恢复后会自动继续；请检查对象存储是否在运行。"


class Body(Protocol):
    """What an upload is read from: `read(n)` gives n bytes, fewer only at the end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What the store says of an object."""

    name: str
    size: int
    modified: datetime


class Download:
    """An object's bytes as they arrive. Close it, so that the connection can be used again."""

    def __init__(self, response: Any, endpoint: str) -> None:
        self._response = response
        self._endpoint = endpoint

    def read(self, size: int) -> bytes:
        """At most `size` bytes; b"" at the end."""
        with _translated(self._endpoint, ""):
            return cast(bytes, self._response.read(size))

    def close(self) -> None:
        """Give the connection back, or drop it where not everything was read."""
        self._response.close()
        self._response.release_conn()


class ObjectStore:
    """Named bytes in one bucket. Safe to share between threads, not across a fork."""

    def __init__(
        self, endpoint: str, *, access_key: str, secret_key: str, bucket: str, region: str = "us-east-1"
    ) -> None:
        """`endpoint` is http(s)://host:port. Nothing is contacted yet."""
        self.endpoint, self.bucket = endpoint, bucket
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise Rejected(f"对象存储地址“{endpoint}”不对，应为 http(s)://主机:端口。")

        def client(answer_seconds: float, again: int) -> Minio:
            return Minio(
                endpoint=parts.netloc,
                access_key=access_key,
                secret_key=secret_key,
                secure=parts.scheme == "https",
                region=region,
                http_client=_pool(answer_seconds, again),
            )

        self._client = client(_ANSWER_SECONDS, 1)
        self._checker = client(_CHECK_SECONDS, 0)

    def ensure_bucket(self) -> None:
        """Make the bucket if it is not there."""
        with self._errors():
            if self._client.bucket_exists(bucket_name=self.bucket):
                return
            try:
                self._client.make_bucket(bucket_name=self.bucket)
            except S3Error as error:
                if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                    raise

    def check(self) -> None:
        """Return when the store answers and the bucket is there, else raise Unavailable, within seconds."""
        with self._errors():
            there = self._checker.bucket_exists(bucket_name=self.bucket)
        if not there:
            raise Unavailable(f"对象存储里没有存储桶 {self.bucket}。请运行 shenguan doctor 查看如何处理。")

    def put_stream(self, name: str, body: Body, *, media_type: str = "application/octet-stream") -> None:
        """Store what `body` gives until its end, in constant memory. Up to 80 GiB, by S3's limit of 10,000 parts.

        `body.read` must not raise: the client would leave its upload threads waiting for ever.
        """
        with self._errors(name):
            self._client.put_object(
                bucket_name=self.bucket,
                object_name=name,
                data=cast(BinaryIO, body),
                length=-1,  # announcing the length was measured and makes it no faster
                part_size=PART,
                content_type=media_type,
            )

    def get_stream(self, name: str) -> Download:
        """The object from its start. Raises NotFound before anything is read."""
        with self._errors(name):
            response = self._client.get_object(bucket_name=self.bucket, object_name=name)
        return Download(response, self.endpoint)

    def put_bytes(self, name: str, data: bytes, *, media_type: str = "application/octet-stream") -> None:
        """Store a small object, replacing one of that name."""
        self.put_stream(name, io.BytesIO(data), media_type=media_type)

    def get_bytes(self, name: str) -> bytes:
        """A small object whole."""
        download = self.get_stream(name)
        try:
            pieces = iter(lambda: download.read(1 << 20), b"")
            return b"".join(pieces)
        finally:
            download.close()

    def stat(self, name: str) -> ObjectFacts:
        """Size and time of an object. Raises NotFound."""
        with self._errors(name):
            found = self._client.stat_object(bucket_name=self.bucket, object_name=name)
        return ObjectFacts(name, int(found.size or 0), found.last_modified or datetime.now(UTC))

    def exists(self, name: str) -> bool:
        """Whether there is an object of that name."""
        try:
            self.stat(name)
        except NotFound:
            return False
        return True

    def delete(self, name: str) -> None:
        """Remove an object; none of that name is no error."""
        with self._errors(name):
            self._client.remove_object(bucket_name=self.bucket, object_name=name)

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        """All objects whose names begin with `prefix`, in the order of their names."""
        with self._errors():
            for found in self._client.list_objects(bucket_name=self.bucket, prefix=prefix, recursive=True):
                if not found.is_dir:
                    modified = found.last_modified or datetime.now(UTC)
                    yield ObjectFacts(str(found.object_name), int(found.size or 0), modified)

    def _errors(self, name: str = "") -> Any:
        return _translated(self.endpoint, name)


def _pool(answer_seconds: float, again: int) -> urllib3.PoolManager:
    """Short patience: the callers above know better than the client when to try again."""
    return urllib3.PoolManager(
        num_pools=4,
        maxsize=16,
        timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=answer_seconds),
        retries=urllib3.Retry(
            total=2 * again,
            connect=again,
            read=again,
            backoff_factor=0.2,
            status_forcelist=[500, 502, 503, 504],
            allowed_methods=None,
        ),
    )


@contextmanager
def _translated(endpoint: str, name: str) -> Iterator[None]:
    """Errors of the client become ours; errors of the caller's own stream pass through."""
    try:
        yield
    except S3Error as error:
        raise _of_s3(error, endpoint, name) from error
    except (urllib3.exceptions.HTTPError, ServerError, InvalidResponseError, ConnectionError) as error:
        raise Unavailable(_GONE.format(endpoint)) from error
    except MinioException as error:
        raise Unavailable(f"对象存储（{endpoint}）的回答无法理解：{error}") from error


def _of_s3(error: S3Error, endpoint: str, name: str) -> NotFound | Unavailable:
    match error.code:
        case "NoSuchKey" | "NoSuchObject" | "NoSuchVersion":
            return NotFound(f"对象存储里没有 {name}。")
        case "NoSuchBucket":
            return Unavailable(
                f"对象存储里没有存储桶 {error.bucket_name}。请运行 shenguan doctor 查看如何处理。"
            )
        case "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch":
            return Unavailable(
                f"对象存储（{endpoint}）拒绝了访问密钥。请核对 s3_access_key 和 s3_secret_key。"
            )
        case "RequestTimeTooSkewed":
            return Unavailable("本机与对象存储的时钟相差过大。请校准时钟。")
        case "XMinioStorageFull" | "InsufficientStorage":
            return Unavailable("对象存储的空间已满。请扩容后重试。")
        case _:
            return Unavailable(f"对象存储（{endpoint}）出错：{error.code}。稍后会自动重试。")
