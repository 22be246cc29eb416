"""Somebody else's bucket, as a department offers it: few verbs, plain faults. Beside `objects` the only user of `minio`.

Guarantees: connections are made by the `dial` that was handed in and in no other way, redirects are not followed; an object
appears whole or not at all; every failure is a `BucketFault` that says at which layer. Nothing of the hub is imported:
a department's connector uses this without the hub's parts.
"""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from socket import socket
from typing import IO, Any, BinaryIO, Literal, cast
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

#: (host, port, seconds) -> a connection to an allowed address.
Dial = Callable[[str, int, float], socket]
_PART = 8 << 20
_PIECE = 1 << 20
_CONNECT_S, _ANSWER_S = 5.0, 30.0


class BucketFault(Exception):
    """What went wrong, at which layer, and what the store said."""

    def __init__(
        self, layer: Literal["tcp", "sign_in", "permission", "shape"], words: str, said: str = ""
    ) -> None:
        super().__init__(words)
        self.layer, self.words, self.said = layer, words, said


@dataclass(frozen=True, slots=True)
class Found:
    """An object, its name without the prefix that was asked for."""

    name: str
    size: int
    modified: datetime
    etag: str


@dataclass(frozen=True, slots=True)
class BucketAt:
    """Where a bucket is and as whom it is entered."""

    endpoint: str  # http(s)://host:port
    bucket: str
    region: str = "us-east-1"
    virtual_host: bool = False
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)


class Bucket:
    """Named bytes in a bucket. Nothing is contacted before the first verb."""

    def __init__(self, at: BucketAt, dial: Dial, tls: ssl.SSLContext | None) -> None:
        parts = urlsplit(at.endpoint)
        self._pool = _pool(dial, tls)
        self._bucket = at.bucket
        self._client = Minio(
            endpoint=parts.netloc,
            access_key=at.access_key,
            secret_key=at.secret_key,
            secure=parts.scheme == "https",
            region=at.region,
            http_client=self._pool,
        )
        style: Any = self._client  # these two carry no types
        style.enable_virtual_style_endpoint() if at.virtual_host else style.disable_virtual_style_endpoint()

    def found(self, prefix: str) -> Iterator[Found]:
        """The objects right below this prefix, which ends in '/' or is empty."""
        with _faults(self._bucket):
            for one in self._client.list_objects(bucket_name=self._bucket, prefix=prefix, recursive=False):
                name = str(one.object_name)[len(prefix) :]
                if not one.is_dir and name:
                    modified = one.last_modified or datetime.now(UTC)
                    yield Found(name, int(one.size or 0), modified, str(one.etag or "").strip('"'))

    def get(self, name: str) -> Iterator[bytes]:
        """Its ETag first, then its bytes in pieces; nothing at all if there is no such object."""
        with _faults(self._bucket):
            try:
                answer = self._client.get_object(bucket_name=self._bucket, object_name=name)
            except S3Error as error:
                if error.code in _NO_OBJECT:
                    return
                raise
            try:
                yield str(answer.headers.get("ETag", "")).strip('"').encode()
                while piece := answer.read(_PIECE):
                    yield piece
            finally:
                answer.close()
                answer.release_conn()

    def put(self, name: str, file: IO[bytes]) -> None:
        """Store what is in the file from here to its end, in the place of one of that name."""
        here = file.tell()
        length = file.seek(0, io.SEEK_END) - here
        file.seek(here)
        with _faults(self._bucket):
            self._client.put_object(
                bucket_name=self._bucket,
                object_name=name,
                data=cast(BinaryIO, file),
                length=length,
                part_size=_PART,
            )

    def look(self, name: str) -> Found | None:
        """The object of this name, if there is one."""
        with _faults(self._bucket):
            try:
                one = self._client.stat_object(bucket_name=self._bucket, object_name=name)
            except S3Error as error:
                if error.code in _NO_OBJECT:
                    return None
                raise
        modified = one.last_modified or datetime.now(UTC)
        return Found(name, int(one.size or 0), modified, str(one.etag or "").strip('"'))

    def has(self, name: str) -> bool:
        """Whether there is an object of this name."""
        return self.look(name) is not None

    def copy(self, name: str, to: str) -> bool:
        """The same bytes under another name; False if there is no such object."""
        with _faults(self._bucket):
            try:
                self._client.copy_object(
                    bucket_name=self._bucket, object_name=to, source=CopySource(self._bucket, name)
                )
            except S3Error as error:
                if error.code in _NO_OBJECT:
                    return False
                raise
        return True

    def remove(self, name: str) -> None:
        """No object of this name any more."""
        with _faults(self._bucket):
            self._client.remove_object(bucket_name=self._bucket, object_name=name)

    def keeps_versions(self) -> bool:
        """Whether what is removed leaves a trace; a store that cannot tell keeps none."""
        try:
            with _faults(self._bucket):
                return bool(self._client.get_bucket_versioning(bucket_name=self._bucket).status == "Enabled")
        except BucketFault as fault:
            return fault.layer == "permission"

    def close(self) -> None:
        """Hang up."""
        self._pool.clear()


_NO_OBJECT = ("NoSuchKey", "NoSuchObject", "NoSuchVersion")


def _pool(dial: Dial, tls: ssl.SSLContext | None) -> urllib3.PoolManager:
    """Connections of our own making: the address that was judged is the one that is dialled."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket:
            return dial(self.host, self.port or 80, _CONNECT_S)

    class Secured(HTTPSConnection):
        def _new_conn(self) -> socket:
            return dial(self.host, self.port or 443, _CONNECT_S)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecuredPool(HTTPSConnectionPool):
        ConnectionCls = Secured

    pool = urllib3.PoolManager(
        num_pools=2,
        maxsize=4,
        timeout=urllib3.Timeout(connect=_CONNECT_S, read=_ANSWER_S),
        retries=urllib3.Retry(total=1, redirect=0, backoff_factor=0.1, allowed_methods=None),
        ssl_context=tls,
    )
    pool.pool_classes_by_scheme = {"http": PlainPool, "https": SecuredPool}
    return pool


@contextmanager
def _faults(bucket: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        raise _of_s3(error, bucket) from error
    except (InvalidResponseError, ServerError) as error:
        raise BucketFault("sign_in", "对方的答复不是 S3 的格式", str(error)) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise BucketFault("tcp", "连接不上，或连接中断了", type(error).__name__) from error
    except MinioException as error:
        raise BucketFault("sign_in", "对方的答复无法理解", str(error)) from error
    except (ParseError, UnicodeDecodeError) as error:  # the client reads answers without a net
        raise BucketFault("sign_in", "对方的答复不是 S3 的格式", type(error).__name__) from error
    except ValueError as error:  # minio's own checks of names
        raise BucketFault("shape", "存储桶或文件的名称不合规定", str(error)) from error


def _of_s3(error: S3Error, bucket: str) -> BucketFault:
    said: Any = error.code
    match error.code:
        case (
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "InvalidSecurity"
            | "AuthorizationHeaderMalformed"
        ):
            return BucketFault("sign_in", "对方不接受访问密钥", said)
        case "RequestTimeTooSkewed":
            return BucketFault("sign_in", "本机与对方的时钟相差过大", said)
        case "AccessDenied" | "AllAccessDisabled" | "Forbidden":
            return BucketFault("permission", "访问密钥没有这项权限", said)
        case "NoSuchBucket":
            return BucketFault("shape", f"没有存储桶 {bucket}", said)
        case "XMinioStorageFull" | "InsufficientStorage" | "QuotaExceeded":
            return BucketFault("permission", "对方的存储空间已满", said)
        case "SlowDown" | "ServiceUnavailable" | "InternalError":
            return BucketFault("tcp", "对方忙，没有完成", said)
        case _:
            return BucketFault("permission", f"对方没有完成操作（{error.code}）", said)
