"""How the workbench answers what its page asks by script: JSON with one sentence, whatever happened.

Guarantees: a session that ended gives 401 and says so, a missing right 403, a refusal of a use case its own status and
sentence; what was typed stays on the page, because the page is not left.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, jsonify
from flask_babel import gettext

from admin.errors import STATUS
from admin.premises import may, signed_in
from hub.errors import HubError

VIEW = "WorkbenchView"
Handler = Callable[..., Any]


def asked(right: str, view: str = VIEW) -> Callable[[Handler], Handler]:
    """A handler of the page's own requests, which `right` guards; one of the workbench unless `view` says another."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def answer(*args: Any, **kwargs: Any) -> Any:
            if not signed_in():
                return said(gettext("登录已过期。请在新窗口重新登录后再点一次，已填写的内容还在。"), 401)
            if not may(f"can_{right}", view):
                return said(gettext("您的角色不能进行此操作。如确需办理，请联系数据管理员。"), 403)
            try:
                return handler(*args, **kwargs)
            except HubError as error:
                return said(error.message, STATUS.get(type(error), 500))

        answer._permission_name = right  # type: ignore[attr-defined]  # as Flask-AppBuilder finds it
        return answer

    return decorate


def said(sentence: str, status: int, **more: Any) -> tuple[Response, int]:
    """A refusal."""
    return jsonify(error=sentence, **more), status
