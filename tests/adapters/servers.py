"""The servers of Debian that the adapters are tried against: MariaDB with TLS, OpenSSH's SFTP; all in one folder.

Guarantees: nothing outside their folder is touched (as root, sshd wants /run/sshd to be there); they end with this process.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import pwd
import secrets
import shutil
import socket
from pathlib import Path

import pymysql
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from shenguan.embedded.part import Part, PartFailed
from shenguan.embedded.ports import HOST
from shenguan.embedded.process import Child, spawn


def program(name: str, package: str) -> str:
    """Where a program of a Debian package is. Raises PartFailed with what to do."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/usr/local/sbin")
    if not found:
        raise PartFailed(f"没有找到 {name}：请运行 make test-adapters（会安装 {package}）。")
    return found


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """A certificate for this machine that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(HOST))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    cert_path.write_bytes(made.public_bytes(pem.Encoding.PEM))
    key_path.touch(mode=0o600)
    key_path.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()))
    return cert_path, key_path


class MariaDB(Part):
    """A MariaDB server with TLS offered; its administrator is `admin` with a password, over TCP."""

    name = "mariadb"
    title = "MariaDB"
    patience = 120.0

    def __init__(self, directory: Path, *, port: int, password: str, log: Path) -> None:
        super().__init__(directory, listens=[port], log=log)
        self.port = port
        self.password = password
        self.certificate = directory / "cert.pem"
        self._data = directory / "data"

    def prepare(self) -> None:
        if self._data.exists():
            return
        certificate(self.directory)
        (self.directory / "password.sql").write_text(
            f"ALTER USER root@localhost IDENTIFIED BY '{self.password}';\n"
            f"CREATE OR REPLACE USER admin@'{HOST}' IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO admin@'{HOST}' WITH GRANT OPTION;\n"
        )
        argv = [program("mariadb-install-db", "mariadb-server"), "--no-defaults", f"--datadir={self._data}"]
        argv += ["--auth-root-authentication-method=normal", "--skip-test-db", f"--user={_me()}"]
        child = spawn(argv, log=self.log, cwd=self.directory)
        if not child.wait(self.patience) or child.returncode != 0:
            child.kill()
            raise PartFailed(f"MariaDB 初始化失败。日志的结尾：\n{self.log_end()}")
        child.kill()

    def launch(self) -> Child:
        argv = [program("mariadbd", "mariadb-server"), "--no-defaults", f"--datadir={self._data}"]
        argv += [
            f"--user={_me()}",
            f"--bind-address={HOST}",
            f"--port={self.port}",
            "--socket=",
            "--skip-networking=0",
        ]
        argv += [f"--init-file={self.directory / 'password.sql'}", f"--pid-file={self.directory / 'pid'}"]
        argv += [f"--ssl-cert={self.certificate}", f"--ssl-key={self.directory / 'key.pem'}"]
        # Thrown away afterwards: no write waits for the disk.
        argv += ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--skip-name-resolve"]
        return spawn(argv, log=self.log, cwd=self.directory)

    def healthy(self) -> bool:
        try:
            pymysql.connect(
                host=HOST, port=self.port, user="admin", password=self.password, connect_timeout=10
            ).close()
        except (pymysql.MySQLError, OSError):
            return False
        return True


class Sftp(Part):
    """OpenSSH that gives nothing but SFTP, to whoever runs this, by one key; it opens in `files`."""

    name = "sftp"
    title = "SFTP"

    def __init__(self, directory: Path, *, port: int, log: Path) -> None:
        super().__init__(directory, listens=[port], log=log)
        self.port = port
        self.user = _me()
        self.files = directory / "files"
        self.key, self.host_key = directory / "key", directory / "host_key"

    def prepare(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.files.mkdir(exist_ok=True)
        for path in (self.key, self.host_key):
            if path.exists():
                continue
            made = ed25519.Ed25519PrivateKey.generate()
            path.touch(mode=0o600)
            path.write_bytes(
                made.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.OpenSSH, pem.NoEncryption())
            )
            public = made.public_key().public_bytes(pem.Encoding.OpenSSH, pem.PublicFormat.OpenSSH)
            path.with_suffix(".pub").write_bytes(public + b"\n")
        lines = [
            f"Port {self.port}",
            f"ListenAddress {HOST}",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.key.with_suffix('.pub')}",
            f"PidFile {self.directory / 'pid'}",
            f"Subsystem sftp internal-sftp -d {self.files}",
            f"ForceCommand internal-sftp -d {self.files}",
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password\nPrintMotd no\nMaxStartups 100",
        ]
        (self.directory / "sshd_config").write_text("\n".join(lines) + "\n")

    def launch(self) -> Child:
        argv = [program("sshd", "openssh-server"), "-D", "-e", "-f", str(self.directory / "sshd_config")]
        return spawn(argv, log=self.log, cwd=self.directory)

    def healthy(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), 2) as connection:
                connection.settimeout(2)
                return connection.recv(8).startswith(b"SSH-2.0-")
        except OSError:
            return False


def _me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def new_password() -> str:
    """One that needs no quoting anywhere."""
    return secrets.token_hex(16)
