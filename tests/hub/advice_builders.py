"""Posts of departments about cases, as they arrive."""

from __future__ import annotations

import uuid
from typing import Any

from hub.exchange.arrived import Arrived
from hub.ports import Desk
from storage.signing import Signer
from tests.hub.builders import message


def a_post(
    desk: Desk,
    signer: Signer,
    case_no: str,
    thread: uuid.UUID,
    body: str = "现场地址与许可不一致，请核对。",
    **more: Any,
) -> Arrived:
    """What a department says on a thread; with `kind` and `subject` it opens one."""
    data = {
        "thread_id": str(thread),
        "project_no": case_no,
        "body": body,
        "author": "示例己",
        "at": desk.clock().isoformat().replace("+00:00", "Z"),
        **more,
    }
    return message(desk, signer, "advice.posted.v1", case_no, data)


def a_question(desk: Desk, signer: Signer, case_no: str, thread: uuid.UUID, **more: Any) -> Arrived:
    """A department asks."""
    return a_post(desk, signer, case_no, thread, kind="question", subject="经营场所是否已变更", **more)
