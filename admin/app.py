"""`create_app`: the composition root of the admin.

Guarantees: building the app neither asks the database nor writes to it, so the pages come up (and say what is wrong) while
it is down. Permissions are made by `admin.accounts.prepare`, once, in the migrate step - never by a web worker.
"""

from __future__ import annotations

import hashlib
import logging
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, has_request_context, request, session, url_for
from flask_appbuilder import AppBuilder
from flask_appbuilder.utils.legacy import get_sqla_class
from flask_babel import gettext
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from admin import (
    cells,
    config_ledger,
    department_api,
    errors,
    headers,
    health,
    live_pages,
    navigation,
    premises,
    registry,
    uploads,
)
from admin.accounts import ROLE_TITLES
from admin.config import AdminConfig
from admin.home import HomeView
from admin.in_words import in_words
from admin.licensing.sharing import share_api
from admin.live import LiveBoard
from admin.noticing.notice_pages import unread_now
from admin.noticing.reading import wants_sound
from admin.public import pages as public_pages
from admin.rest import door as department_rest
from admin.signing_in import Doorkeeper

ROOT = Path(__file__).resolve().parent
LANGUAGES = {"zh": {"flag": "cn", "name": "简体中文"}, "en": {"flag": "gb", "name": "English"}}
MAX_UPLOAD = 256 * 1024 * 1024
REFUSED_TOKENS = "60 per minute"


def create_app(config: AdminConfig) -> Flask:
    """The admin as a WSGI application."""
    if len(config.web_secret) < 16:
        raise ValueError("web_secret 太短：至少 16 个字符。")
    app = Flask("admin", static_folder=str(ROOT / "static"), template_folder=str(ROOT / "templates"))
    app.config.update(_settings(config))
    if config.trusted_proxies:  # what a caller claims beyond these counts for nothing
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.trusted_proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    # It says at every start which columns its filters cannot handle (lists, relations); nobody can act on that.
    logging.getLogger("flask_appbuilder.models.filters").setLevel(logging.ERROR)
    db = get_sqla_class()()
    db.init_app(app)
    csrf = CSRFProtect(app)
    csrf.exempt(department_api.bp)
    csrf.exempt(share_api.bp)
    csrf.exempt(department_rest.bp)
    headers.install(app)
    errors.install(app)
    with app.app_context():
        engine = db.engine
        app.extensions["shenguan"] = premises.Premises(config, engine, LiveBoard(engine))
        appbuilder = _AppBuilder(app, db.session, indexview=HomeView, security_manager_class=Doorkeeper)
        app.extensions["babel"].locale_selector = _locale
        registry.add_views(appbuilder)
        app.register_blueprint(live_pages.bp)
        app.register_blueprint(department_api.bp)
        app.register_blueprint(health.bp)
        app.register_blueprint(uploads.bp)
        config_ledger.install(db.session)
        _limit_api_sign_in(app, appbuilder)
        share_api.install(app, appbuilder)
        department_rest.install(app, appbuilder)
        public_pages.install(app, csrf, appbuilder.sm.limiter)
    _fill_templates(app)
    app.teardown_request(_close_uploads)
    return app


def _close_uploads(error: BaseException | None) -> None:
    """Temporary files of uploads go with the request, not with the garbage."""
    del error
    request.close()


class _AppBuilder(AppBuilder):  # type: ignore[misc]  # untyped package
    """Flask-AppBuilder without its start-up chatter."""

    def add_permissions(self, update_perms: bool = False) -> None:
        """As there, but quiet in a web process."""
        if update_perms:
            logging.getLogger("flask_appbuilder").setLevel(logging.WARNING)
        super().add_permissions(update_perms)


def _settings(config: AdminConfig) -> dict[str, Any]:
    return {
        "SECRET_KEY": config.web_secret,
        "APP_NAME": "审管通",
        "APP_THEME": "",
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_pre_ping": True,
            "pool_size": 12,
            "max_overflow": 20,
            "pool_timeout": 5,
            "connect_args": {"connect_timeout": 3, "options": "-c statement_timeout=30000"},
            **config.database_options,
        },
        "SESSION_COOKIE_NAME": "shenguan",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": config.cookie_secure,
        "PERMANENT_SESSION_LIFETIME": 8 * 3600,
        "SEND_FILE_MAX_AGE_DEFAULT": 86400,
        "MAX_CONTENT_LENGTH": MAX_UPLOAD,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a form left open over lunch must not fail
        "LANGUAGES": LANGUAGES,
        "BABEL_DEFAULT_LOCALE": "zh",
        "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
        "FAB_BASE_TEMPLATE": "shenguan/base.html",
        "FAB_ADD_SECURITY_API": True,
        "FAB_API_KEY_ENABLED": True,
        "FAB_API_SWAGGER_UI": True,
        "FAB_API_MAX_PAGE_SIZE": 100,
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEW": False,
        "FAB_ADD_SECURITY_VIEW_MENU_VIEW": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW": False,
        "FAB_PASSWORD_COMPLEXITY_ENABLED": True,
        "FAB_OPENAPI_SERVERS": [{"url": config.desk.public_url}],
        "AUTH_RATE_LIMITED": True,
        "AUTH_RATE_LIMIT": config.login_limit,
        "RATELIMIT_ENABLED": True,
        "RATELIMIT_STORAGE_URI": "memory://",
        "JWT_COOKIE_SECURE": config.cookie_secure,
    }


def _locale() -> str:
    """Chinese, unless this person has switched."""
    if not has_request_context():
        return "zh"
    wanted = request.args.get("_l_") or session.get("locale")
    return wanted if wanted in LANGUAGES else "zh"


def _limit_api_sign_in(app: Flask, appbuilder: Any) -> None:
    """Flask-AppBuilder limits its form, not its API. Refused tokens are limited since each writes a ledger row."""
    limiter = appbuilder.sm.limiter
    fetch = "department_api.material"
    app.view_functions[fetch] = limiter.limit(
        REFUSED_TOKENS, deduct_when=lambda answer: answer.status_code == 401
    )(app.view_functions[fetch])
    for name in ("SecurityApi.login", "SecurityApi.refresh"):
        app.view_functions[name] = limiter.limit(app.config["AUTH_RATE_LIMIT"], methods=["POST"])(
            app.view_functions[name]
        )


@cache
def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def _asset(name: str) -> str:
    """A file of ours under an address that changes with its content."""
    return url_for("static", filename=name, v=_fingerprint(ROOT / "static" / name))


def _fill_templates(app: Flask) -> None:
    app.jinja_env.filters.update(
        cells.FILTERS,
        in_words=lambda said: in_words(str(said)) if said else "",
        role_title=lambda name: gettext(ROLE_TITLES.get(name, name)),
    )
    app.jinja_env.globals.update(
        asset=_asset,
        may=premises.may,
        my_roles=premises.roles,
        signed_in=premises.signed_in,
        navigation=navigation.sections,
        newest_notice=lambda: premises.here().live.newest(),
        unread_notices=unread_now,
        notice_sound=wants_sound,
        area_name=lambda: premises.here().config.area_name,
        locale_now=_locale,
        demo=lambda: premises.here().config.demo,
    )
