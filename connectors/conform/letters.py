"""What a trial sends: the published examples as a hub would send them, and messages that no department may sign for.

Guarantees: examples are valid, consistent with each other and new in every trial; each hostile message is wrong in exactly
one way; the last message is a good one, so that a program that stopped at a hostile one is found out.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from connectors.conform.workshop import Workshop
from schemas import MAX_MESSAGE_BYTES, dumps, examples_of, loads, violations
from storage.base64url import encode
from storage.signing import Signer, generate_private_key

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
_NUMBERS = itertools.count(random.randrange(10**4))  # noqa: S311 - no secret; no two of one trial are the same
PACKAGES = ("approval.decided.v1", "approval.corrected.v1")


@dataclass(frozen=True)
class Letter:
    """One message, and what a department must do with it: sign for it, or not."""

    name: str
    title: str
    value: bytes
    signature: str | None
    kid: str
    expects: Literal["signed", "nothing", "again"]  # again: a copy of one that was sent before
    event: dict[str, Any]

    @property
    def key(self) -> str:
        """What it is ordered by."""
        return str(self.event.get("subject", self.name))

    @property
    def event_id(self) -> str:
        """Of the event."""
        return str(self.event.get("id", ""))

    @property
    def sha256(self) -> str:
        """Of the exact bytes."""
        return hashlib.sha256(self.value).hexdigest()

    @property
    def push_id(self) -> str | None:
        """The push it belongs to, of those that belong to one."""
        data = self.event.get("data", {})
        found = data["push"]["id"] if self.event.get("type") in PACKAGES else data.get("push_id")
        return None if found is None else str(found)


def letters(shop: Workshop) -> list[Letter]:
    """Everything that is sent, in order."""
    return list(_good(shop)) + list(_hostile(shop)) + list(_last(shop))


def _good(shop: Workshop) -> Iterator[Letter]:
    case = _case_no()
    first = _signed(shop, "decided", "推送包", _event(shop, "approval.decided.v1", case))
    yield first
    correction = _event(shop, "approval.corrected.v1", case)
    correction["data"]["push"]["id"] = first.push_id
    correction["data"]["correction"] |= {"replaces_event_id": first.event_id, "replaces_sha256": first.sha256}
    corrected = _signed(shop, "corrected", "更正后的推送包", correction)
    yield corrected
    withdrawal = _event(shop, "approval.withdrawn.v1", case)
    withdrawal["data"] |= {
        "push_id": first.push_id, "replaces_event_id": corrected.event_id, "replaces_sha256": corrected.sha256,
    }  # fmt: skip
    yield _signed(shop, "withdrawn", "撤回通知", withdrawal)
    for number in range(1, len(examples_of("approval.decided.v1"))):
        event = _event(shop, "approval.decided.v1", _case_no(), number)
        yield _signed(shop, f"decided-{number + 1}", f"推送包（样例 {number + 1}）", event)
    for kind, title in (
        ("licence.changed.v1", "证照状态变化"),
        ("finding.forwarded.v1", "转告的监管信息"),
        ("advice.forwarded.v1", "协调建议"),
        ("count.asked.v1", "对账请求"),
    ):
        yield _signed(shop, kind.partition(".v")[0], title, _event(shop, kind, case))
    yield Letter(
        "duplicate", "同一推送包再来一次", first.value, first.signature, first.kid, "again", first.event
    )


def _last(shop: Workshop) -> Iterator[Letter]:
    yield _signed(shop, "after", "坏消息之后的推送包", _event(shop, "approval.decided.v1", _case_no()))


def _hostile(shop: Workshop) -> Iterator[Letter]:
    def wrong(name: str, title: str, event: dict[str, Any], signer: Signer | None = None) -> Letter:
        return _signed(shop, name, title, event, expects="nothing", signer=signer)

    good = _signed(
        shop, "changed", "签名之后被改动", _event(shop, "approval.decided.v1", _case_no()), expects="nothing"
    )
    changed = good.value.replace("示范县".encode(), "示范区".encode(), 1)
    yield Letter(good.name, good.title, changed, good.signature, good.kid, "nothing", loads(changed))
    bare = _event(shop, "approval.decided.v1", _case_no())
    yield Letter("unsigned", "没有签名", dumps(bare), None, shop.hub.kid, "nothing", bare)
    stranger = Signer.from_pem("hub", generate_private_key())
    yield wrong("stranger", "陌生密钥签名", _event(shop, "approval.decided.v1", _case_no()), stranger)
    yield _claimed_kid(shop, stranger)
    yield _without_algorithm(shop)
    other = _event(shop, "approval.decided.v1", _case_no())
    other["data"]["push"]["department"] = "other-dept"
    yield wrong("other", "给别的部门的推送包", other)
    area = _event(shop, "approval.decided.v1", _case_no())
    area["source"] = "/000000/hub"
    yield wrong("area", "别的区域的来源", area)
    broken = _event(shop, "approval.decided.v1", _case_no())
    del broken["data"]["case"]["project_no"]
    yield wrong("schema", "缺少必填内容", broken)
    unknown = _event(shop, "approval.decided.v1", _case_no()) | {"type": "approval.celebrated.v9"}
    yield wrong("unknown-type", "不认识的类型", unknown)
    yield _raw(shop, "not-json", "不是 JSON", b'{"specversion": "1.0", ')
    big = _event(shop, "approval.decided.v1", _case_no())
    padded = dumps(big) + b" " * (MAX_MESSAGE_BYTES - len(dumps(big)) + 1)
    yield Letter("too-big", "超过 1 MiB", padded, shop.hub.sign(padded), shop.hub.kid, "nothing", big)


def _claimed_kid(shop: Workshop, stranger: Signer) -> Letter:
    """The stranger's signature under the hub's kid."""
    event = _event(shop, "approval.decided.v1", _case_no())
    value = dumps(event)
    head = shop.hub.sign(value).split(".")[0]
    forged = f"{head}..{stranger.sign(value).split('.')[2]}"
    return Letter("forged", "冒用平台密钥编号", value, forged, shop.hub.kid, "nothing", event)


def _without_algorithm(shop: Workshop) -> Letter:
    event = _event(shop, "approval.decided.v1", _case_no())
    head = encode(dumps({"alg": "none", "kid": shop.hub.kid})).decode()
    return Letter(
        "alg-none", "声称不需要签名（alg: none）", dumps(event), f"{head}..", shop.hub.kid, "nothing", event
    )


def _raw(shop: Workshop, name: str, title: str, value: bytes) -> Letter:
    return Letter(name, title, value, shop.hub.sign(value), shop.hub.kid, "nothing", {})


def _signed(
    shop: Workshop,
    name: str,
    title: str,
    event: dict[str, Any],
    *,
    expects: Literal["signed", "nothing"] = "signed",
    signer: Signer | None = None,
) -> Letter:
    by = signer or shop.hub
    value = dumps(event)
    if expects == "signed" and (found := violations(event["type"], event)):
        raise AssertionError(f"{name}: {found}")
    return Letter(name, title, value, by.sign(value), by.kid, expects, event)


def _event(shop: Workshop, kind: str, case: str, number: int = 0) -> dict[str, Any]:
    """The example, new, from this hub to this department, about this case."""
    example = examples_of(kind)[number]
    text = dumps(example).decode()
    old = example["data"].get("project_no") or example["data"].get("case", {}).get("project_no")
    event: dict[str, Any] = loads(text.replace(old, case) if old else text)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event |= {"id": str(uuid.uuid4()), "source": f"/{shop.area}/hub", "time": now}
    if kind in PACKAGES:
        event["data"]["push"] |= {"id": str(uuid.uuid4()), "department": shop.department}
    else:
        event["data"]["department"] = shop.department
    return event


def _case_no() -> str:
    return f"99010120261120{next(_NUMBERS) % 10**4:04d}"
