"""What a person sees when something cannot be shown: a calm page (or JSON), never a traceback.

Guarantees: these answers need no database, no session and no translation that could fail in turn.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, current_app, jsonify, request, session
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from werkzeug.exceptions import HTTPException

from hub.errors import Conflict, Denied, HubError, NotFound, Rejected, Unavailable

STATUS = {Denied: 403, NotFound: 404, Conflict: 409, Rejected: 422, Unavailable: 503}
_SAID = {
    400: ("请求不完整", "请返回上一页重新操作。"),
    401: ("请先登录", "登录后即可继续。"),
    403: ("没有权限", "您的角色不能进行此操作。如确需办理，请联系数据管理员。"),
    404: ("没有找到", "地址有误，或记录不存在。请从左侧菜单或查询框进入。"),
    405: ("不能这样操作", "请从页面上的按钮进入。"),
    413: ("文件太大", "请拆分后再上传。"),
    429: ("操作过于频繁", "请稍等一分钟再试。"),
    500: ("页面出错", "操作没有完成，已记入日志。请稍后再试，或联系数据管理员。"),
    503: ("服务暂时不可用", "所依赖的服务正在恢复，数据没有丢失。页面会自动重试。"),
}
_log = logging.getLogger(__name__)


def calm(status: int, title: str | None = None, message: str | None = None) -> tuple[str | Response, int]:
    """A calm page, or JSON for programs."""
    said = _SAID.get(status, _SAID[500])
    title, message = title or said[0], message or said[1]
    if request.path.startswith(("/api/", "/live/")) or request.accept_mimetypes.best == "application/json":
        return jsonify(error=title, message=message), status
    # Not render_template: its context asks who is signed in, and so the database.
    template = current_app.jinja_env.get_template("shenguan/calm.html")
    return template.render(status=status, heading=title, message=message), status


def install(app: Flask) -> None:
    """Give the app its error pages."""

    @app.errorhandler(HubError)
    def refused(error: HubError) -> Any:
        status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
        return calm(status, message=error.message)

    @app.errorhandler(CSRFError)
    def stale(error: CSRFError) -> Any:
        del error
        if "_user_id" not in session:  # asked of the cookie alone: nobody is looked up here
            return calm(401, "登录已过期", "登录已过期。请重新登录后再试，已填写的内容还在。")
        return calm(400, "页面已过期", "登录状态已更新，请返回上一页刷新后重试。")

    @app.errorhandler(RateLimitExceeded)
    def often(error: RateLimitExceeded) -> Any:
        del error
        return calm(429)

    @app.errorhandler(OperationalError)
    @app.errorhandler(PoolExhausted)
    def down(error: Exception) -> Any:
        _log.warning("数据库不可用：%s", type(error).__name__)
        return calm(503)

    @app.errorhandler(HTTPException)
    def known(error: HTTPException) -> Any:
        if error.code is None or error.code < 400:
            return error
        return calm(error.code)

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> Any:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return down(error)
        _log.exception("页面出错：%s %s", request.method, request.path)
        return calm(500)
