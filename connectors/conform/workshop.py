"""What a trial needs, in one folder: a hub's key of its own, the trust bundle with it, and the department's public key.

Guarantees: what is in the folder is used again; a key is made once, readable by its owner alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from connectors.errors import Misconfigured
from schemas import Malformed, dumps, loads
from storage.keys import UnusableKey
from storage.signing import Signer, TrustedKey, TrustedKeys, generate_private_key, kid_of

HUB_KEY, TRUST, DEPARTMENT_KEY, SETTINGS = (
    "hub-key.pem",
    "trust-bundle.json",
    "department-key.pem",
    "conform.json",
)


@dataclass(frozen=True)
class Workshop:
    """The two sides of a trial."""

    folder: Path
    area: str
    department: str
    hub: Signer
    public_pem: str  # the department's

    @property
    def topic_in(self) -> str:
        """Where we speak."""
        return f"{self.area}.{self.department}.in"

    @property
    def topic_out(self) -> str:
        """Where the department speaks."""
        return f"{self.area}.{self.department}.out"

    @property
    def department_keys(self) -> TrustedKeys:
        """What the department's messages are verified with."""
        kid = kid_of(self.department, self.public_pem)
        return TrustedKeys.of([TrustedKey(kid, self.department, self.public_pem)])


def prepare(folder: Path, area: str, department: str, public_key: Path | None) -> Workshop:
    """Make the folder; without a public key of the department, a pair of keys for it too. Raises Misconfigured."""
    folder.mkdir(parents=True, exist_ok=True)
    if public_key is not None:
        public_pem = _public(public_key)
    else:
        _make_key(folder / DEPARTMENT_KEY)
        public_pem = Signer.from_pem(department, (folder / DEPARTMENT_KEY).read_bytes()).public_pem
    _make_key(folder / HUB_KEY)
    hub = Signer.from_pem("hub", (folder / HUB_KEY).read_bytes())
    (folder / TRUST).write_bytes(dumps({"area": area, "keys": {hub.kid: hub.public_pem}}))
    settings = {"area": area, "department": department, "public_pem": public_pem}
    (folder / SETTINGS).write_bytes(dumps(settings))
    return Workshop(folder, area, department, hub, public_pem)


def read(folder: Path) -> Workshop:
    """What `prepare` made. Raises Misconfigured."""
    try:
        settings = loads((folder / SETTINGS).read_bytes())
        hub = Signer.from_pem("hub", (folder / HUB_KEY).read_bytes())
        return Workshop(folder, settings["area"], settings["department"], hub, settings["public_pem"])
    except (OSError, Malformed, UnusableKey, KeyError, TypeError) as error:
        raise Misconfigured(
            f"{folder} 里没有准备好的测试，请先执行 shenguan conform prepare {folder}。"
        ) from error


def _public(path: Path) -> str:
    try:
        pem = path.read_text("ascii")
        kid_of("x", pem)
    except (OSError, UnicodeDecodeError, UnusableKey) as error:
        raise Misconfigured(f"{path} 不是可用的公钥（PEM，Ed25519 或 P-256）。") from error
    return pem


def _make_key(path: Path) -> None:
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(generate_private_key())
