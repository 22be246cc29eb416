"""The mark of a form: made when it is opened, signed, so that pressing twice is saying once and nobody makes up a mark.

Guarantees: survives a restart of the hub (nothing is kept); good only for the same user, push and act.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import current_app, g
from flask_babel import gettext
from itsdangerous import BadSignature, URLSafeTimedSerializer

from hub.errors import Rejected

LIFE = 7 * 86400  # a draft left open over a weekend still goes out


def new_mark(*about: object) -> str:
    """A mark for a form about this."""
    return str(_serializer().dumps([secrets.token_hex(8), *_whose(about)]))


def read_mark(given: str, *about: object) -> str:
    """What the mark is known by. Raises Rejected where it was not made here for this."""
    try:
        nonce, *told = _serializer().loads(given, max_age=LIFE)
    except (BadSignature, ValueError, TypeError):
        told = None
    if told != _whose(about):
        raise Rejected(gettext("这张表单已经失效。请返回收件箱重新打开，再填写提交。"))
    return str(nonce)


def _whose(about: tuple[object, ...]) -> list[Any]:
    return [g.user.id, *(str(one) for one in about)]


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="inbox form")
