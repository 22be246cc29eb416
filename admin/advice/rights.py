"""What each role may do with advice: the window asks and answers, a department's user answers in its web inbox."""

from __future__ import annotations

_LOOK = ("can_list", "can_export")

ADVICE: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {"AdviceView": _LOOK},
    "clerk": {"AdviceView": (*_LOOK, "can_speak", "can_ask")},
    "approver": {"AdviceView": (*_LOOK, "can_speak", "can_ask")},
    "supervisor": {"AdviceView": (*_LOOK, "can_speak", "can_answer")},
    "overseer": {"AdviceView": _LOOK},
}
