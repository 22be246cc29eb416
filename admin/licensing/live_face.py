"""The face while it is typed: a picture, what keeps it from being printed, and what the number and the days will be."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext

from admin.licensing.issue_order import Typed
from admin.premises import here
from hub.errors import Rejected, Unavailable
from hub.licensing.issuing.fill import fill
from hub.licensing.ports import Press
from hub.licensing.types.number_rule import parse_number_rule


def press() -> Press:
    """The one of this hub. Raises Unavailable where it prints no licences."""
    found: Press | None = here().config.press
    if found is None:
        raise Unavailable(gettext("本中心没有配置制证，不能签发证照。请联系系统管理员。"))
    return found


def live_face(typed: Typed, changed: Sequence[tuple[str, str, str]] = ()) -> dict[str, Any]:
    """For the page's script."""
    face = fill(typed.type, typed.words, qr=f"{here().config.desk.public_url}/v/", mark=gettext("预览"))
    faults = [sentence for name, sentence in typed.faults.items() if name not in typed.empty]
    faults += [fault.sentence for fault in press().faults(face)]
    picture = ""
    try:
        drawn = press().picture(face, width=900)
        picture = "data:image/png;base64," + base64.b64encode(drawn).decode()
    except Rejected as error:
        if error.message not in faults:
            faults.append(error.message)
    return {
        "picture": picture,
        "faults": list(dict.fromkeys(faults)),
        "said": _said(typed),
        "changes": [list(one) for one in changed],
    }


def _said(typed: Typed) -> str:
    words = typed.words
    until = words.valid_to.isoformat() if words.valid_to else gettext("长期")
    if typed.order.previous is None and parse_number_rule(typed.type.rules.number_rule).counts:
        return gettext(
            "编号在签发时产生，形如 %(number)s；有效期至 %(until)s。", number=words.number, until=until
        )
    return gettext("证照编号 %(number)s；有效期至 %(until)s。", number=words.number or "—", until=until)
