"""Signatures at intake: what is found of them, and what a type's rule makes of it.

Guarantees: verification happens in a limited process of its own (`storage.intake.verify`), never in the caller's; what
cannot be verified is `unchecked` with its reason, never `valid`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.errors import Rejected
from storage.limited import Died, run_limited

SECONDS = 60
MEMORY = 768 << 20
_WORST_FIRST = ("invalid", "unchecked", "untrusted", "valid")


@dataclass(frozen=True, slots=True)
class Verdict:
    """none, valid, untrusted, invalid or unchecked; and each signature with signer, time, coverage and chain."""

    state: str
    signatures: Sequence[Mapping[str, object]] = ()
    reason: str | None = None

    def kept(self) -> Iterator[dict[str, object]]:
        """What is kept with the material."""
        yield from (dict(one) for one in self.signatures)
        if self.reason:
            yield {"state": self.state, "reason": self.reason}

    def why(self) -> str:
        """In words."""
        said = [
            str(one["reason"])
            for one in self.signatures
            if one.get("state") == self.state and one.get("reason")
        ]
        return self.reason or "；".join(dict.fromkeys(said)) or "原因不明"

    def refuse_by_rule(self, name: str, *, required: bool, refuse_bad: bool, anybody_trusted: bool) -> None:
        """Raises Rejected where this type does not take such a file."""
        if self.state == "invalid" and refuse_bad:
            raise Rejected(f"“{name}”的电子签名无效：{self.why()}。请向出具单位重新索取签名完好的文件。")
        if not required:
            return
        if self.state == "none":
            raise Rejected(
                f"这种材料必须带电子签名，“{name}”上没有。请上传带签名的 PDF，或连同 .p7s 签名文件一起上传。"
            )
        if self.state == "unchecked":
            raise Rejected(
                f"这种材料必须带电子签名，“{name}”的签名无法核验：{self.why()}。请换成带签名的 PDF。"
            )
        if self.state == "untrusted" and refuse_bad and anybody_trusted:
            raise Rejected(
                f"“{name}”的签名人不在本中心信任的范围内：{self.why()}。请联系数据管理员核实后登记签发机构。"
            )


NOT_CHECKED = Verdict("unchecked", reason="文件内有 OFD 或 Office 自己的签名，本中心不核验这两种")


@dataclass(frozen=True, slots=True)
class Signatures:
    """Verifies with the certificates of `trusted`, a folder of PEM files that may change at any time."""

    trusted: Path | None = None
    seconds: int = SECONDS
    memory: int = MEMORY

    @property
    def anybody_trusted(self) -> bool:
        """Whether the installation has said whom it trusts."""
        return self.trusted is not None and any(self.trusted.glob("*.pem"))

    def none(self) -> Verdict:
        """Of a file without one."""
        return Verdict("none")

    def of_pdf(self, file: Path) -> Verdict:
        """Of a PDF with signatures in it."""
        return self._verify("pdf", str(file))

    def of_detached(self, file: Path, signature: Path) -> Verdict:
        """Of any file with a detached CMS beside it."""
        return self._verify("cms", str(file), str(signature))

    def _verify(self, *arguments: str) -> Verdict:
        trusted = str(self.trusted) if self.trusted else ""
        try:
            said = run_limited(
                "storage.intake.verify", trusted, *arguments, seconds=self.seconds, memory=self.memory
            )
            found = json.loads(said)
        except (Died, ValueError):
            return Verdict("unchecked", reason="核验没有在限定的时间和内存内完成，文件可能过大或结构异常")
        if "reason" in found:
            return Verdict("unchecked", reason=str(found["reason"]))
        each = found["signatures"]
        state = next((one for one in _WORST_FIRST if any(s["state"] == one for s in each)), "none")
        return Verdict(state, each)
