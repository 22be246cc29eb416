"""`shenguan department`: register departments and their keys, and make a key pair at a department."""

from __future__ import annotations

from pathlib import Path

import click

from shenguan.cli.chinese_help import ChineseGroup
from shenguan.cli.screen import LOCAL, json_option, print_json, print_table
from shenguan.cli.transaction import ACTOR, transaction

ROLES = {"approving": "审批", "supervising": "监管", "enforcing": "执法"}


@click.group(cls=ChineseGroup)
def department() -> None:
    """登记部门和密钥。"""


@department.command("add")
@click.argument("code", metavar="代码")
@click.argument("name", metavar="名称")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(list(ROLES)),
    help="职能，可写几次：approving 审批、supervising 监管、enforcing 执法。",
)
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    metavar="文件",
    help="部门的公钥（Ed25519 或 P-256，PEM）或证书。",
)
@click.option("--uscc", default=None, metavar="代码", help="统一社会信用代码。")
@click.option(
    "--sign-within",
    type=click.IntRange(0, 90),
    default=3,
    show_default=True,
    metavar="工作日",
    help="推送规则的签收期限。",
)
@click.option("--no-push-rule", is_flag=True, help="不加推送规则（监管、执法部门默认推送全部事项）。")
@json_option
def add(
    code: str,
    name: str,
    *,
    roles: tuple[str, ...],
    public_key: Path,
    uscc: str | None,
    sign_within: int,
    no_push_rule: bool,
    as_json: bool,
) -> None:
    """登记一个部门和它的第一把公钥。之后用 shenguan trust-bundle 得到交给部门的信息。

    监管、执法部门从此收到全部事项的审批决定；在管理网页“推送规则”中可以收窄，--no-push-rule 则先不推送。
    """
    from hub.register_department import add_department, push_everything_to
    from shenguan import wiring
    from shenguan.settings import load

    pem, kid = _public(code, public_key)
    pushed = not no_push_rule and bool({"supervising", "enforcing"} & set(roles))
    settings = load(wiring.NEEDS["database"])
    engine = wiring.engine_of(settings)
    try:
        with engine.begin() as tx:
            add_department(
                tx, code=code, name=name, roles=roles, uscc=uscc, public_pem=pem, kid=kid, actor=ACTOR
            )
            if pushed:
                push_everything_to(tx, code, sign_within_days=sign_within, actor=ACTOR)
    finally:
        engine.dispose()
    topics = {"in": f"{settings.area}.{code}.in", "out": f"{settings.area}.{code}.out"}
    if as_json:
        print_json({"code": code, "name": name, "kid": kid, "topics": topics, "push_rule": pushed})
        return
    click.echo(f"已登记 {name}（{code}），密钥 {kid}。")
    click.echo(f"中心发给它：{topics['in']}；它发给中心：{topics['out']}。")
    if pushed:
        click.echo(
            f"已加推送规则：今后的全部审批决定都推送给它，{sign_within} 个工作日内签收；可在网页“推送规则”中收窄。"
        )
    else:
        click.echo("还要有推送规则指向它，才会收到审批决定：在管理网页“推送规则”中添加。")


@department.command("add-key")
@click.argument("code", metavar="代码")
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    metavar="文件",
    help="新的公钥或证书（PEM）。",
)
@json_option
def add_key(code: str, public_key: Path, as_json: bool) -> None:
    """给部门再登记一把公钥，用于轮换：旧密钥在吊销前继续有效。"""
    from hub.register_department import add_key as register

    pem, kid = _public(code, public_key)
    with transaction() as tx:
        register(tx, code, pem, kid, actor=ACTOR)
    if as_json:
        print_json({"code": code, "kid": kid})
    else:
        click.echo(f"已登记密钥 {kid}。")


@department.command("revoke-key")
@click.argument("kid", metavar="密钥编号")
@click.option("--reason", required=True, metavar="理由", help="吊销理由，记入留痕账本。")
@json_option
def revoke_key(kid: str, reason: str, as_json: bool) -> None:
    """吊销一把公钥，立即生效。"""
    from hub.register_department import revoke_key as revoke

    with transaction() as tx:
        revoke(tx, kid, actor=ACTOR, reason=reason)
    if as_json:
        print_json({"kid": kid, "revoked": True})
    else:
        click.echo(f"已吊销 {kid}，此后用它签名的消息一律不接收。")


@department.command("list")
@json_option
def list_departments(as_json: bool) -> None:
    """列出部门、职能和密钥。"""
    from sqlalchemy import select

    from hub.department import Department, DepartmentKey

    with transaction() as tx:
        keys: dict[str, list[dict[str, object]]] = {}
        for key in tx.execute(select(DepartmentKey.__table__).order_by(DepartmentKey.valid_from)).mappings():
            keys.setdefault(key["department"], []).append(
                {"kid": key["kid"], "since": key["valid_from"], "revoked_at": key["revoked_at"]}
            )
        found = [
            {
                "code": row["code"],
                "name": row["name"],
                "roles": list(row["roles"]),
                "uscc": row["uscc"],
                "active": row["active"],
                "keys": keys.get(row["code"], []),
            }
            for row in tx.execute(select(Department.__table__).order_by(Department.code)).mappings()
        ]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each["code"],
            each["name"],
            "、".join(ROLES[role] for role in each["roles"]),
            "\n".join(_key_line(key) for key in each["keys"]) or "[yellow]没有密钥[/yellow]",
        )
        for each in found
    ]
    print_table("部门", ("代码", "名称", "职能", "密钥"), rows)


@department.command("keygen")
@click.argument("code", metavar="代码")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="目录",
    help="放密钥的目录，不存在则建立。",
)
@click.option(
    "--alg", type=click.Choice(["EdDSA", "ES256"]), default="EdDSA", help="算法，默认 EdDSA（Ed25519）。"
)
@json_option
def keygen(code: str, out: Path, alg: str, as_json: bool) -> None:
    """在部门一侧生成密钥对：private-key.pem 留在部门，public-key.pem 交给中心登记。"""
    from storage.signing import Signer, generate_private_key

    private, public = out / "private-key.pem", out / "public-key.pem"
    if private.exists() or public.exists():
        raise click.UsageError(f"{out} 里已有密钥，不会覆盖。请换一个目录。")
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = generate_private_key("ES256" if alg == "ES256" else "EdDSA")
    signer = Signer.from_pem(code, pem)
    private.touch(mode=0o600)
    private.write_bytes(pem)
    public.write_text(signer.public_pem)
    if as_json:
        print_json({"kid": signer.kid, "private_key": str(private), "public_key": str(public)})
        return
    click.echo(f"密钥编号 {signer.kid}")
    click.echo(f"私钥 {private}：只留在本部门，不要外传。")
    click.echo(f"公钥 {public}：交给中心登记（shenguan department add）。")


def _key_line(key: dict[str, object]) -> str:
    from datetime import datetime

    revoked = key["revoked_at"]
    if isinstance(revoked, datetime):
        return f"[red]{key['kid']} 已于 {revoked.astimezone(LOCAL):%Y-%m-%d %H:%M} 吊销[/red]"
    return str(key["kid"])


def _public(code: str, file: Path) -> tuple[str, str]:
    """The key as plain public PEM, and its kid. Refuses a private key before anything is stored."""
    from storage.keys import load_public, spki_pem
    from storage.signing import kid_of

    raw = file.read_bytes()
    if b"PRIVATE KEY" in raw:
        raise click.UsageError(f"{file} 是私钥。私钥只能留在部门，请给出公钥文件。")
    pem = spki_pem(load_public(raw))
    return pem, kid_of(code, pem)
