"""`shenguan licence check`: is this file genuine, and how does it stand - without the hub, without the network."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import json_option, print_json

if TYPE_CHECKING:
    from storage.licences.check_offline import Offline

_LARGEST = 16 << 20
_SECONDS = 15
_NO_TRUST = "请用 --trust 给出信任文件：从中心的 <网址>/licence-trust.pem 下载，并与中心核对过。"


@click.command("check", cls=ChineseCommand)
@click.argument("file", type=click.Path(path_type=Path), metavar="文件")
@click.option("--status-list", default=None, metavar="文件或网址", help="状态清单；不写则只核验签名。")
@click.option(
    "--trust",
    default=None,
    type=click.Path(path_type=Path),
    metavar="文件",
    help="信任文件（PEM：根证书、吊销列表、中心公钥）；在中心的机器上可以不写。",
)
@click.option(
    "--sm2", default=None, type=click.Path(path_type=Path), metavar="文件", help="国密签名文件，一并核验。"
)
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    file: Path,
    *,
    status_list: str | None,
    trust: Path | None,
    sm2: Path | None,
    as_json: bool,
) -> None:
    """离线核验一份证照 PDF：签名、完整性、证书、状态清单。不连接数据库；清单给网址时才联网。

    退出码：0 真实有效；3 真实，但已失效、暂扣等，或没有核对状态；1 不可信；2 文件读不出来。
    """
    from storage.licences.check_offline import check_offline

    try:
        with file.open("rb"):
            pass
        pem = trust.read_text("utf-8") if trust is not None else _own_trust()
        listed = _status_list(status_list) if status_list is not None else None
        beside = sm2.read_bytes() if sm2 is not None else None
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"读不出来：{error}。") from error
    found = check_offline(file, pem, listed, now=datetime.now(UTC))
    held, said = _sm2(beside, file, pem) if beside is not None else (True, None)
    if as_json:
        _print_json(found, said)
    else:
        _print(found)
        if said:
            click.echo(said)
    if not held:
        ctx.exit(1)
    genuine = found.inspection.state == "intact"
    ctx.exit(0 if found.outcome == "valid" else 3 if genuine else 1)


def _own_trust() -> str:
    """On the hub's own machine: the credentials that it signs with, and its own key."""
    from shenguan import wiring
    from shenguan.settings import SettingsRefused, load
    from storage.licences.trust_bundle import folder_pem

    try:
        settings = load(("hub_signing_key",))
        pem = folder_pem(settings.licence_signing_folder) + wiring.signer_of(settings).public_pem
    except SettingsRefused as error:
        raise click.UsageError(_NO_TRUST) from error
    return pem


def _sm2(signature: bytes, file: Path, pem: str) -> tuple[bool, str]:
    from storage.licences.sm2 import BadSm2, check_sm2

    try:
        return True, check_sm2(signature, file.read_bytes(), pem)
    except BadSm2 as error:
        return False, str(error)


def _status_list(where: str) -> str:
    if not where.startswith(("http://", "https://")):
        with Path(where).open("rb") as opened:
            return _bounded(opened.read(_LARGEST + 1))
    from urllib.request import Request, urlopen

    request = Request(where, headers={"Accept": "application/statuslist+jwt"})  # noqa: S310 - checked above
    with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        return _bounded(answer.read(_LARGEST + 1))


def _bounded(data: bytes) -> str:
    if len(data) > _LARGEST:
        raise click.UsageError("状态清单异常地大，不能采信。")
    return data.decode("ascii")


def _print_json(found: Offline, sm2: str | None) -> None:
    inspection = found.inspection
    print_json(
        {
            "outcome": found.outcome,
            "sentence": found.sentence,
            "signature": inspection.state,
            "cause": inspection.cause or None,
            "sha256": inspection.sha256.hex(),
            "signer": dict(inspection.signer),
            "metadata": dict(found.metadata) if inspection.state == "intact" else {},
            "sm2": sm2,
            "status_list_made_at": found.list_made_at.isoformat() if found.list_made_at else None,
        }
    )


def _print(found: Offline) -> None:
    inspection, metadata = found.inspection, found.metadata
    click.echo(found.sentence)
    if inspection.state == "intact":
        for name, key in (
            ("名称", "certificateName"),
            ("编号", "certificateNumber"),
            ("标识", "certificateIdentifier"),
        ):
            if metadata.get(key):
                click.echo(f"{name}：{metadata[key]}")
    if inspection.signer:
        click.echo(f"签名人：{inspection.signer.get('signer')}（签发者：{inspection.signer.get('issuer')}）")
    if found.list_made_at:
        click.echo(f"状态清单签发于 {found.list_made_at.astimezone():%Y-%m-%d %H:%M}。")
