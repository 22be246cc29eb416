"""Inspect a file that somebody brought: hub.licensing.ports.Inspector.

Guarantees: the file is parsed in a limited process of its own (`inspect_child`), never here; whatever it is, there is an
answer. The bytes are named by their SHA-256, so that the caller can look them up first: what we gave out is ours however
old its certificate has grown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.errors import Unavailable
from hub.licensing.ports import Inspection
from storage.licences.trust_bundle import folder_pem
from storage.limited import Died, run_limited

SECONDS = 20
MEMORY = 768 << 20
#: Why, in words; a signature's facts stand in the braces.
CAUSES: Mapping[str, str] = {
    "changed": "签名覆盖文件的 {covered} 个字节，其中的内容与签名时不一致。",
    "appended": "签名覆盖文件开头的 {covered} 个字节，签名之后又加进了 {extra} 个字节的改动。",
    "wrapped": "签名为自己留出的位置里夹着别的内容，显示出来的可能不是签名时的那一份。",
    "broken": "签名数据本身已损坏，无法解析。",
    "value": "签名值验证不通过。",
    "stranger": "签名人“{signer}”的证书不是本中心签发证照所用的。",
    "expired": "签名证书已于 {date} 到期，又没有可信的时间戳证明签名在此之前。",
    "not_yet": "签名证书在签名时尚未生效。",
    "revoked": "签名证书已于 {date} 被吊销，没有可信的时间戳证明签名在此之前。",
    "unsigned": "文件里没有任何电子签名。",
    "not_pdf": "文件不是 PDF。",
    "encrypted": "PDF 设了密码，读不到其中的签名。",
    "malformed": "PDF 的结构不规范，读不出其中的签名。",
    "too_long": "PDF 有 {pages} 页，证照文件不会超过 {most} 页。",
    "too_much": "文件没能在限定的时间和内存内核验完。",
    "algorithm": "签名使用了本中心不能核验的算法。",
    "no_credentials": "本中心还没有配置证照签名证书，只能按登记的文件核对。",
}


@dataclass(frozen=True, slots=True)
class Looked:
    """An inspection, and the metadata that the file carries."""

    inspection: Inspection
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LicenceInspector:
    """Trusts the anchors in a credentials' folder, read anew for each file."""

    folder: Path | None
    seconds: int = SECONDS
    memory: int = MEMORY

    def inspect(self, file: Path) -> Inspection:
        """What can be said of the file by itself."""
        return look(file, self.trust_pem(), seconds=self.seconds, memory=self.memory).inspection

    def trust_pem(self) -> str:
        """Whom it trusts: nothing secret. Raises Unavailable where a file of the folder cannot be read."""
        try:
            return folder_pem(self.folder) if self.folder is not None else ""
        except (ValueError, OSError) as error:
            raise Unavailable(
                "证照签名的根证书或吊销列表读不出来，现在不能核验文件。请联系系统管理员。"
            ) from error


def look(file: Path, trust_pem: str, *, seconds: int = SECONDS, memory: int = MEMORY) -> Looked:
    """The same for any trust."""
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").digest()
    try:
        answer = run_limited(
            "storage.licences.inspect_child",
            str(file.absolute()),
            seconds=seconds,
            memory=memory,
            given=trust_pem.encode(),
        )
        said = json.loads(answer)
    except (Died, ValueError):
        said = {"state": "unreadable", "cause": "too_much", "facts": {}, "signer": {}, "metadata": {}}
    cause, facts, metadata = said["cause"], said["facts"], said["metadata"]
    why = CAUSES[cause].format_map(facts) if cause else ""
    identifier = metadata.get("certificateIdentifier")
    found = Inspection(said["state"], sha256, why, identifier, said["signer"], cause, facts)
    return Looked(found, metadata)
