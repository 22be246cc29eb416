"""Credentials to sign licences with: good ones sign, every other is refused in a sentence before anything is printed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from hub.errors import Rejected
from storage.licences.credentials import Credentials
from storage.licences.demo_credentials import make_demo_credentials
from tests.storage.licence_credentials import ISSUER, Folder, body, now, root


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def refused(folder: Folder, code: str = ISSUER) -> str:
    with pytest.raises(Rejected) as caught:
        Credentials(folder.path).for_issuer(code)
    return caught.value.message


def test_an_issuers_own_credential_comes_first(folder: Folder) -> None:
    """`<code>.pem` before `default.pem`; whoever has none signs with the default."""
    above = root()
    folder.anchor(above).keep("default.pem", body("共用章", above)).keep(
        f"{ISSUER}.pem", body("本单位章", above)
    )
    credentials = Credentials(folder.path)
    assert credentials.for_issuer(ISSUER).facts()["signer"] == "本单位章"
    assert credentials.for_issuer("11370100MB00000275").facts()["signer"] == "共用章"
    assert credentials.for_issuer("../ca").facts()["signer"] == "共用章"


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa2048", "rsa3072"])
def test_kinds_of_keys(folder: Folder, kind: str) -> None:
    """P-256, P-384 and RSA sign."""
    above = root()
    folder.anchor(above).keep("default.pem", body("章", above, kind=kind))
    assert Credentials(folder.path).for_issuer(ISSUER).facts()["issuer"] == "示范根证书"


def test_a_chain_through_an_intermediate(folder: Folder) -> None:
    """The chain in the file leads to the anchor; without the intermediate it leads nowhere."""
    above = root()
    middle = body("中间证书", above, authority=True)
    who = body("章", middle)
    folder.anchor(above).keep("default.pem", who, middle)
    assert len(Credentials(folder.path).for_issuer(ISSUER).chain) == 2
    folder.keep("default.pem", who)
    assert "链到不了" in refused(folder)


def _expired(folder: Folder) -> None:
    above = root()
    folder.anchor(above).keep("default.pem", body("旧章", above, ends=now() - timedelta(days=1)))


def _early(folder: Folder) -> None:
    above = root()
    folder.anchor(above).keep("default.pem", body("新章", above, begins=now() + timedelta(days=1)))


def _old_root(folder: Folder) -> None:
    above = root(ends=now() - timedelta(hours=1))
    folder.anchor(above).keep("default.pem", body("章", above))


def _revoked(folder: Folder) -> None:
    above = root()
    who = body("失窃的章", above)
    above.revoked.append((who.certificate.serial_number, now() - timedelta(days=1)))
    folder.anchor(above).keep("default.pem", who).revocations("a.crl", above.revocation_list())


def _revoked_by_an_old_list(folder: Folder) -> None:
    above = root()
    who = body("失窃的章", above)
    above.revoked.append((who.certificate.serial_number, now() - timedelta(days=1)))
    stale = above.revocation_list(until=now() - timedelta(hours=2))
    folder.anchor(above).keep("default.pem", who).revocations("a.crl", stale)


def _revoked_intermediate(folder: Folder) -> None:
    above = root()
    middle = body("中间证书", above, authority=True)
    above.revoked.append((middle.certificate.serial_number, now() - timedelta(days=1)))
    folder.anchor(above).keep("default.pem", body("章", middle), middle)
    folder.revocations("a.crl", above.revocation_list())


def _forged_list(folder: Folder) -> None:
    above = root()
    folder.anchor(above).keep("default.pem", body("章", above))
    folder.revocations("a.crl", root().revocation_list())


def _unreadable_list(folder: Folder) -> None:
    above = root()
    folder.anchor(above).keep("default.pem", body("章", above)).revocations("a.crl", b"junk")


def _stranger(folder: Folder) -> None:
    folder.anchor(root()).keep("default.pem", body("外人", root("外面的根")))


def _namesake(folder: Folder) -> None:
    folder.anchor(root()).keep("default.pem", body("外人", root()))  # a root of the same name, another key


def _for_servers(folder: Folder) -> None:
    above = root()
    folder.anchor(above).keep("default.pem", body("网站", above, usage=("key_encipherment",)))


def _for_tls(folder: Folder) -> None:
    above = root()
    folder.anchor(above).keep("default.pem", body("网站", above, extended=(ExtendedKeyUsageOID.SERVER_AUTH,)))


def _no_usage(folder: Folder) -> None:
    above = root()
    folder.anchor(above).keep("default.pem", body("章", above, usage=None))


def _signed_by_a_signer(folder: Folder) -> None:
    above = root()
    middle = body("不是签发机构", above)
    folder.anchor(above).keep("default.pem", body("章", middle), middle)


def _open_to_all(folder: Folder) -> None:
    above = root()
    folder.anchor(above).keep("default.pem", body("章", above), mode=0o644)


def _other_key(folder: Folder) -> None:
    above = root()
    folder.anchor(above)
    file = folder.path / "default.pem"
    file.write_bytes(body("甲", above).key_pem + body("乙", above).pem)
    file.chmod(0o600)


def _short_key(folder: Folder) -> None:
    above = root()
    folder.anchor(above).keep("default.pem", body("章", above, kind="rsa1024"))


def _odd_curve(folder: Folder) -> None:
    above = root()
    folder.anchor(above).keep("default.pem", body("章", above, kind="k1"))


def _no_key(folder: Folder) -> None:
    above = root()
    folder.anchor(above)
    file = folder.path / "default.pem"
    file.write_bytes(body("章", above).pem)
    file.chmod(0o600)


def _half_written(folder: Folder) -> None:
    above = root()
    folder.anchor(above)
    who = body("章", above)
    file = folder.path / "default.pem"
    file.write_bytes(who.key_pem + who.pem[:100])
    file.chmod(0o600)


def _empty(folder: Folder) -> None:
    folder.anchor(root())


def _no_anchor(folder: Folder) -> None:
    folder.keep("default.pem", body("章", root()))


def _broken_anchor(folder: Folder) -> None:
    (folder.path / "ca.pem").write_bytes("根证书".encode("gbk"))
    folder.keep("default.pem", body("章", root()))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_expired, "过期"),
        (_early, "还没有生效"),
        (_old_root, "“示范根证书”（default.pem）已于"),
        (_revoked, "吊销"),
        (_revoked_by_an_old_list, "吊销"),
        (_revoked_intermediate, "“中间证书”"),
        (_forged_list, "不是它自己签的"),
        (_unreadable_list, "吊销列表 a.crl"),
        (_stranger, "链到不了"),
        (_namesake, "链到不了"),
        (_for_servers, "密钥用途不是签名"),
        (_for_tls, "扩展用途"),
        (_no_usage, "KeyUsage"),
        (_signed_by_a_signer, "链到不了"),
        (_open_to_all, "chmod 600"),
        (_other_key, "不是一对"),
        (_short_key, "2048"),
        (_odd_curve, "算法不支持"),
        (_no_key, "没有私钥"),
        (_half_written, "没有能读的证书"),
        (_empty, "没有安装"),
        (_no_anchor, "ca.pem"),
        (_broken_anchor, "ca.pem"),
    ],
)
def test_what_cannot_sign_is_refused(folder: Folder, spoil: Callable[[Folder], None], said: str) -> None:
    """Each in a sentence that says which file and why."""
    spoil(folder)
    assert said in refused(folder)


def test_no_folder_is_a_sentence(tmp_path: Path) -> None:
    """Neither a folder that is not there nor none at all is a crash."""
    for nowhere in (None, tmp_path / "nowhere"):
        with pytest.raises(Rejected, match="系统管理员"):
            Credentials(nowhere).for_issuer(ISSUER)


def test_files_may_change_while_running(folder: Folder) -> None:
    """A renewed certificate signs, and a revocation stops, without a restart."""
    above = root()
    first = body("旧章", above)
    folder.anchor(above).keep("default.pem", first)
    credentials = Credentials(folder.path)
    assert credentials.for_issuer(ISSUER).facts()["signer"] == "旧章"
    second = body("新章", above)
    folder.keep("default.pem", second)
    assert credentials.for_issuer(ISSUER).facts()["signer"] == "新章"
    above.revoked.append((second.certificate.serial_number, now()))
    folder.revocations("a.crl", above.revocation_list())
    with pytest.raises(Rejected, match="吊销"):
        credentials.for_issuer(ISSUER)
    os.remove(folder.path / "a.crl")
    assert credentials.for_issuer(ISSUER).facts()["signer"] == "新章"


def test_a_certificate_expires_while_running(folder: Folder) -> None:
    """Dates are judged at each use, not when the file was read."""
    above = root()
    folder.anchor(above).keep("default.pem", body("章", above))
    at = [now()]
    credentials = Credentials(folder.path, lambda: at[0])
    assert credentials.for_issuer(ISSUER)
    at[0] += timedelta(days=400)
    with pytest.raises(Rejected, match="过期"):
        credentials.for_issuer(ISSUER)


def test_demo_credentials_are_made_once(tmp_path: Path) -> None:
    """Also by many at once; nothing that is there is overwritten, and somebody's own folder is left alone."""
    folder = tmp_path / "signing"
    threads = [
        threading.Thread(target=make_demo_credentials, args=(folder, {ISSUER: "甲"})) for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    make_demo_credentials(folder, {ISSUER: "乙"})
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == kept
    assert Credentials(folder).for_issuer(ISSUER).facts()["signer"] == "甲"
    assert (folder / "default.pem").stat().st_mode & 0o777 == 0o600
    own = Folder(tmp_path / "own")
    own.path.mkdir()
    own.anchor(root())
    make_demo_credentials(own.path)
    assert [file.name for file in own.path.iterdir() if not file.name.startswith(".")] == ["ca.pem"]
