"""The secrets of an embedded installation: made at the first start, kept in files only their owner can read.

Guarantees: the folder is 0700 and each file 0600; a secret once made is never made anew, also when two programs
ask at the same moment; a file that others can read is refused, not repaired in silence. Outside the embedded mode
nothing here is used: there secrets come from the environment (see settings.py).
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
import string
from collections.abc import Callable
from pathlib import Path

from storage.signing import generate_private_key

DEMO_ACCOUNTS = ("data_admin", "clerk", "approver", "supervisor", "inspector", "overseer")


class SecretsRefused(RuntimeError):
    """密钥目录不可用。"""


def make_private_folder(folder: Path) -> None:
    """Make a folder that is ours alone. Raises SecretsRefused when it is somebody else's or not to be made."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise SecretsRefused(f"无法建立数据目录 {folder}：{error.strerror}。") from error
    if found.st_uid != os.geteuid():
        raise SecretsRefused(
            f"数据目录 {folder} 属于另一个用户（uid {found.st_uid}）。请用该用户运行，"
            "或用 SHENGUAN_DATA 指定另一个目录。"
        )
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


def _password() -> str:
    """Three groups that can be read out and typed, with what usual password rules ask for."""
    groups = []
    for alphabet in ("ABCDEFGHJKMNPQRSTUVWXYZ", "abcdefghjkmnpqrstuvwxyz", "23456789"):
        groups.append("".join(secrets.choice(alphabet) for _ in range(5)))
    return "-".join(groups)


def _key() -> bytes:
    return base64.b64encode(secrets.token_bytes(32))


def _name(length: int) -> bytes:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length)).encode()


class SecretsFolder:
    """The secrets below one data directory."""

    def __init__(self, data: Path) -> None:
        make_private_folder(data)
        self.folder = data / "secrets"
        make_private_folder(self.folder)

    def keep(self, name: str, make: Callable[[], bytes]) -> Path:
        """The file of this name, made by `make` if there is none yet."""
        file = self.folder / name
        if not file.exists():
            draft = self.folder / f".{name}.{secrets.token_hex(6)}"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(make())
                out.flush()
                os.fsync(out.fileno())
            try:
                os.link(draft, file)  # fails where a rename would overwrite the one that was first
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        if file.stat().st_mode & 0o077:
            raise SecretsRefused(
                f"密钥文件 {file} 可以被其他用户读取，请执行 chmod 600 {file} 并检查是否泄露。"
            )
        return file

    def text(self, name: str, make: Callable[[], bytes] = lambda: _name(40)) -> str:
        """The text of a secret."""
        return self.keep(name, make).read_text(encoding="ascii").strip()

    def key(self, name: str) -> str:
        """32 random bytes as base64."""
        return self.text(name, _key)

    def private_key(self, name: str) -> Path:
        """The file of an Ed25519 private key (PEM)."""
        return self.keep(f"{name}.pem", generate_private_key)

    def demo_passwords(self) -> dict[str, str]:
        """The password of each demo account."""
        file = self.keep(
            "demo_passwords.json",
            lambda: json.dumps({name: _password() for name in DEMO_ACCOUNTS}, indent=1).encode(),
        )
        return {str(name): str(word) for name, word in json.loads(file.read_text()).items()}
