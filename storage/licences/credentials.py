"""Whose signature stands on licences: keys and certificates in a folder, judged anew whenever the folder changes.

The folder: `ca.pem` (certificates that end a chain), any `*.crl` (DER or PEM), `<issuer code>.pem` and `default.pem` (a
private key, its certificate and the chain below the anchor; readable by their owner only).
Guarantees: a credential is handed out only when it can be used now: key and certificate belong together, the chain ends
at an anchor, usage and dates allow it, no list revokes it. Everything else is a sentence, before anything is printed.
A file that cannot be read refuses; it is never passed over. Not here: OCSP; nobody is asked over the network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509

from hub.errors import Rejected
from storage.licences import credential_file
from storage.licences.chain import Trust, chain_of, revoked_at, signed_by, why_unusable
from storage.licences.credential_file import ANCHORS, DEFAULT, SigningKey
from storage.licences.sign import DocumentSigner

_CODE = re.compile(r"[0-9A-Za-z]{1,64}")
_ASK = "请系统管理员按运维手册“证照签名证书”一节处理。"


@dataclass(frozen=True, slots=True)
class Credential:
    """One key with its certificate and chain, ready to sign."""

    file: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]  # from the issuer of the certificate up to and with the anchor
    signer: DocumentSigner
    key: SigningKey

    @property
    def fingerprint(self) -> str:
        """Of its certificate."""
        return credential_file.fingerprint(self.certificate)

    @property
    def location(self) -> str:
        """Where the signer is, as its certificate says; often it does not."""
        subject = self.certificate.subject
        oids = (x509.NameOID.STATE_OR_PROVINCE_NAME, x509.NameOID.LOCALITY_NAME)
        return "".join(str(one.value) for oid in oids for one in subject.get_attributes_for_oid(oid))

    def facts(self) -> dict[str, Any]:
        """What is kept of the signer with a document."""
        subject, issuer = named(self.certificate.subject), named(self.certificate.issuer)
        return {
            "signer": subject,
            "issuer": issuer,
            "serial": format(self.certificate.serial_number, "x"),
            "certificate_sha256": self.fingerprint,
            "not_after": self.certificate.not_valid_after_utc.isoformat(),
        }


@dataclass(slots=True)
class Credentials:
    """The folder. One for each process; threads may share it."""

    folder: Path | None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _seen: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    _trust: Trust | None = None
    _loaded: dict[str, Credential] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def for_issuer(self, code: str) -> Credential:
        """The credential to sign licences of this issuer with: its own, else the default. Raises Rejected."""
        with self._lock:
            self._look()
            name = f"{code}.pem"
            if not _CODE.fullmatch(code) or name not in self._seen:
                name = DEFAULT
            if name not in self._seen:
                raise Rejected(f"没有安装颁发机构 {code} 的证照签名证书，不能签发证照。{_ASK}")
            return self._judged(name)

    def by_fingerprint(self, sha256: str) -> Credential | None:
        """The usable credential whose certificate this is."""
        with self._lock:
            self._look()
            for name in sorted(self._seen):
                if not name.endswith(".pem") or name == ANCHORS:
                    continue
                try:
                    found = self._judged(name)
                except Rejected:
                    continue
                if found.fingerprint == sha256:
                    return found
        return None

    def trust(self) -> Trust:
        """Anchors and revocation lists. Raises Rejected."""
        with self._lock:
            self._look()
            assert self._trust is not None
            return self._trust

    def _look(self) -> None:
        """Read the folder again if it has changed."""
        seen = self._listed()
        if self._trust is not None and seen == self._seen:
            return
        folder = self.folder
        assert folder is not None
        self._trust, self._loaded = None, {}
        if ANCHORS not in seen:
            raise Rejected(f"证照签名证书的文件夹里没有 {ANCHORS}（信任的根证书），不能签发证照。{_ASK}")
        lists = [
            credential_file.revocation_list(folder / one) for one in sorted(seen) if one.endswith(".crl")
        ]
        self._trust = Trust(tuple(credential_file.certificates(folder / ANCHORS)), tuple(lists))
        self._seen = seen

    def _listed(self) -> dict[str, tuple[int, int, int]]:
        if self.folder is None:
            raise Rejected(f"没有设置证照签名证书，不能签发证照。{_ASK}")
        try:
            with os.scandir(self.folder) as entries:
                found = {one.name: one.stat() for one in entries if one.name.endswith((".pem", ".crl"))}
        except FileNotFoundError as error:
            raise Rejected(
                f"没有安装证照签名证书（文件夹 {self.folder} 不存在），不能签发证照。{_ASK}"
            ) from error
        except OSError as error:
            why = f"文件夹 {self.folder} 读不了：{error.strerror}"
            raise Rejected(f"证照签名证书不可用（{why}），不能签发证照。{_ASK}") from error
        return {name: (at.st_mtime_ns, at.st_size, at.st_ino) for name, at in found.items()}

    def _judged(self, name: str) -> Credential:
        assert self.folder is not None
        assert self._trust is not None
        found = self._loaded.get(name)
        if found is None:
            found = self._loaded[name] = _read(self.folder / name, self._trust)
        now = self.clock()
        for one in (found.certificate, *found.chain):
            if now < one.not_valid_before_utc:
                raise Rejected(f"签名证书“{named(one.subject)}”（{name}）还没有生效，不能签发证照。{_ASK}")
            if now > one.not_valid_after_utc:
                ended = one.not_valid_after_utc.astimezone().date()
                raise Rejected(
                    f"签名证书“{named(one.subject)}”（{name}）已于 {ended} 过期，不能签发证照。{_ASK}"
                )
            since = revoked_at(one, self._trust, now)
            if since is not None:
                raise Rejected(
                    f"签名证书“{named(one.subject)}”（{name}）已于 {since.astimezone().date()} 吊销，不能签发证照。{_ASK}"
                )
        return found


def _read(file: Path, trust: Trust) -> Credential:
    key, certificates = credential_file.key_and_certificates(file)
    certificate = certificates[0]
    chain = chain_of(certificate, certificates[1:], trust.anchors)
    if chain is None:
        raise Rejected(f"签名证书（{file.name}）的证书链到不了 {ANCHORS} 里的根证书，不能签发证照。{_ASK}")
    if why := why_unusable(certificate):
        raise Rejected(f"签名证书“{named(certificate.subject)}”（{file.name}）{why}，不能签发证照。{_ASK}")
    for below, above in zip([certificate, *chain], chain, strict=False):
        if any(one.issuer == below.issuer and not signed_by(one, above) for one in trust.lists):
            who = named(below.issuer)
            raise Rejected(f"文件夹里“{who}”的吊销列表不是它自己签的，不能确认签名证书没有被吊销。{_ASK}")
    others = [asn1_x509.Certificate.load(credential_file.der(one)) for one in chain]
    own = asn1_x509.Certificate.load(credential_file.der(certificate))
    return Credential(file.name, certificate, tuple(chain), DocumentSigner(own, others, key), key)


def named(name: x509.Name) -> str:
    """Who a certificate speaks of."""
    for oid in (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(oid):
            return str(found[-1].value)[:120]
    return name.rfc4514_string()[:120]
