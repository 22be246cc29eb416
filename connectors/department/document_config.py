"""A connector document as the settings of a connector that runs at the department: what the hub exported, and a section
[run] that says where this machine keeps key and state and how it reaches the hub.

    [run]
    key_file = "key.pem"
    state_dir = "state"
    trust_bundle = "https://hub/api/hub/trust-bundle"
    public_url = "https://hub"
    [run.rest]                 # or [run.broker] bootstrap = "..."
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.errors import Misconfigured
from schemas.connector.document import ConnectorDocument, Endpoint, Faults, document_from

RUN = "run"
_HUB = ("trust_bundle", "public_url")
_OWN = ("key_file", "state_dir")
_PASSED_ON = ("broker", "rest", "files")


def is_document(given: Mapping[str, Any]) -> bool:
    """Whether a settings file is a connector document."""
    return "flows" in given or "endpoints" in given or RUN in given


def as_settings(given: Mapping[str, Any]) -> tuple[dict[str, Any], ConnectorDocument]:
    """The sections of an ordinary settings file, and the document. Raises Misconfigured with every fault."""
    run = given.get(RUN, {})
    if not isinstance(run, Mapping):
        raise Misconfigured("run 应为一个小节 [run]")
    known = {*_HUB, *_OWN, *_PASSED_ON, "evidence"}
    if unknown := sorted(set(run) - known):
        raise Misconfigured(f"[run] 中不认识的设置 {'、'.join(unknown)}")
    try:
        document = document_from({name: value for name, value in given.items() if name != RUN})
    except Faults as error:
        raise Misconfigured(str(error)) from error
    settings: dict[str, Any] = {
        "department": {
            "code": document.department,
            "area": document.area,
            **{name: run[name] for name in _OWN if name in run},
        },
        "hub": {name: run[name] for name in _HUB if name in run},
        "adapter": {"kind": "mapped", **({"evidence": run["evidence"]} if "evidence" in run else {})},
        **{name: run[name] for name in _PASSED_ON if name in run},
    }
    if "broker" not in settings:
        settings.setdefault("rest", {})
    return settings, document


def secrets_of(endpoint: Endpoint, base: Path) -> dict[str, str]:
    """The secrets of an endpoint from where the document says they are. Raises Misconfigured."""
    return {name: _secret(endpoint, name, where, base) for name, where in endpoint.secrets.items()}


def _secret(endpoint: Endpoint, name: str, where: str, base: Path) -> str:
    how, _, what = where.partition(":")
    if how == "file":
        try:
            return (base / what).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(
                f"系统“{endpoint.name}”的 {name} 读不出来（{base / what}）：{error}。"
            ) from error
    # What the hub keeps sealed it does not hand out; here the same value comes from the environment.
    variable = what if how == "env" else variable_of(endpoint.name, name)
    value = os.environ.get(variable)
    if value is None:
        raise Misconfigured(f"缺少系统“{endpoint.name}”的 {name}：请设置环境变量 {variable}。")
    return value


def variable_of(endpoint: str, name: str) -> str:
    """The environment variable in which a sealed secret is looked for at the department."""
    plain = "".join(one if one.isascii() and one.isalnum() else "_" for one in f"{endpoint}_{name}")
    return f"SHENGUAN_SECRET_{plain.upper()}"
