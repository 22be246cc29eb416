"""`shenguan connector list|import|export|pause` on the hub's machine, and `shenguan rewrap`."""

from __future__ import annotations

import base64
import secrets

from sqlalchemy import Engine

from hub.connecting.keep_secrets import set_secret
from hub.connecting.publish_version import publish_version
from hub.connecting.turn_connector import go_live
from hub.register_department import add_department
from schemas.connector.document import document_from
from schemas.connector.toml_file import read_toml, write_toml
from shenguan import wiring
from shenguan.settings import Settings
from storage.signing import Signer, generate_private_key
from tests.front_door import HubShell
from tests.hub.connecting.conftest import document


def test_a_connector_goes_through_a_file(hub: HubShell, engine: Engine) -> None:
    """Read in it is a draft that says what is missing; written out it is the same; paused it says so; no secret shows; and
    what the key-encryption key wrapped moves to a new one."""
    given = {
        name.removeprefix("SHENGUAN_").lower(): value
        for name, value in hub.env.items()
        if "SHENGUAN_" in name
    }
    desk, own = wiring.desk_of(Settings(**given)), Signer.from_pem("scjg", generate_private_key())
    key = {"public_pem": own.public_pem, "kid": own.kid}
    with engine.begin() as tx:
        add_department(tx, code="scjg", name="某局", roles=["supervising"], actor="user:test", **key)
    (hub.folder / "in.toml").write_text(write_toml(document_from(document(area="990199"))))
    imported = hub.ask("connector", "import", "in.toml")
    assert imported == {"code": "scjg-db", "missing_secrets": [["front", "password"]]}
    with engine.begin() as tx:
        set_secret(tx, desk, "scjg-db", "front", "password", "hunter2-词", actor="user:test")
        publish_version(tx, desk, "scjg-db", actor="user:test")
        go_live(tx, desk, "scjg-db", version=1, actor="user:test")

    out = hub.run("connector", "export", "scjg-db")
    assert read_toml(out.stdout) == document_from(document(area=desk.area))
    assert "已暂停" in hub.run("connector", "pause", "scjg-db", "--reason", "机房检修").stdout
    (listed,) = hub.ask("connector", "list")
    assert (listed["code"], listed["state"], listed["version"], listed["runs_at"]) == (
        "scjg-db",
        "paused",
        1,
        "host",
    )
    assert "hunter2" not in out.stdout + str(listed)

    hub.env |= {
        "SHENGUAN_KEY_ENCRYPTION_OLDER": hub.env["SHENGUAN_KEY_ENCRYPTION_KEY"],
        "SHENGUAN_KEY_ENCRYPTION_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    moved = {one["title"]: one["moved"] for one in hub.ask("rewrap")}
    assert (moved["部门托管密钥"], moved["连接器的秘密"]) == (1, 1)
