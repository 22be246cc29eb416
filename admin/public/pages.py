"""Public verification: `/v/<token>` behind a QR code, and `/verify` for a file or a typed token.

Guarantees: nobody signs in; no cookie is set and nothing is written, so nobody can be followed by what they check; an
uploaded file is gone when its answer is. One statement a page. Nothing is said of why a token is none. Not indexed,
not cached, no referrer. Works without JavaScript.
Does not replace looking at the paper: a token copied onto another paper shows the face of the licence it was made for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from flask import Blueprint, Flask, Response, current_app, redirect, request, url_for
from flask_babel import force_locale, gettext
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from admin.premises import here
from admin.public.words import NAMELESS, VERDICTS, cause
from hub.errors import Unavailable
from hub.licensing.checking.check_licence import Checked, check_file, check_token
from hub.licensing.ports import Inspection

bp = Blueprint("public", __name__)
LARGEST = 10 << 20
AT_ONCE = 2  # inspections of one worker; the rest wait
PATIENCE = 15.0
_FORM = 64 << 10  # what a form around the file may weigh
_inspecting = threading.BoundedSemaphore(AT_ONCE)


def install(app: Flask, csrf: CSRFProtect, limiter: Any) -> None:
    """Add the pages. Without cookies there is nothing that a forged request could use, so no form tokens."""
    csrf.exempt(bp)
    app.register_blueprint(bp)
    config = here_config(app)
    limits = dict.fromkeys(("licence", "face", "verify", "status_list", "trust"), config.public_limit)
    for view, limit in (*limits.items(), ("upload", config.upload_limit)):
        name = f"{bp.name}.{view}"
        app.view_functions[name] = limiter.limit(limit)(app.view_functions[name])


def here_config(app: Flask) -> Any:
    """The config of an app that is being made."""
    return app.extensions["shenguan"].config


@bp.after_request
def private(answer: Response) -> Response:
    """Nobody keeps these pages, nobody finds them by searching."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


@bp.errorhandler(RateLimitExceeded)
def often(error: RateLimitExceeded) -> tuple[str, int]:
    """Too many from one address."""
    del error
    return _form(429, gettext("核验太频繁"), gettext("请稍等一分钟再试。"))


@bp.errorhandler(RequestEntityTooLarge)
def large(error: RequestEntityTooLarge) -> tuple[str, int]:
    """More than a licence ever weighs."""
    del error
    return _form(
        413, gettext("文件太大"), gettext("证照文件不会超过 %(n)s MB，请上传证照原文件。", n=LARGEST >> 20)
    )


@bp.errorhandler(Unavailable)
def waiting(error: Unavailable) -> tuple[str, int]:
    """Something beneath is away."""
    return _form(503, gettext("服务暂时不可用"), error.message)


@bp.errorhandler(HTTPException)
def other(error: HTTPException) -> tuple[str, int]:
    """A request that is wrong in itself."""
    return _form(error.code or 400, gettext("请求不完整"), gettext("请重新选择文件或输入核验码。"))


@bp.get("/v/<token>")
def licence(token: str) -> tuple[str, int]:
    """What a QR code leads to."""
    checked = check(token)
    return _result(checked, token if checked.licence else ""), 200 if checked.licence else 404


@bp.get("/verify")
def verify() -> Any:
    """Type a token, or bring a file."""
    token = "".join(request.args.get("token", "").split())
    if not token:
        return _form(200)
    token = token.rstrip("/").rsplit("/", 1)[-1].split("?")[0][:120]  # the whole address may be pasted
    return redirect(url_for("public.licence", token=token, _l_=_language().get("_l_")), 303)


@bp.post("/verify")
def upload() -> Any:
    """The file, kept only for as long as it is looked at."""
    request.max_content_length = LARGEST + _FORM
    given = request.files.get("file")
    if given is None or not given.filename:
        return _form(400, gettext("没有选择文件"), gettext("请先选择证照的 PDF 文件。"))
    with NamedTemporaryFile(prefix="shenguan-check-", suffix=".bin") as kept:
        given.save(kept, 1 << 16)
        kept.flush()
        if kept.tell() > LARGEST:
            raise RequestEntityTooLarge
        inspection = _inspected(Path(kept.name))
    with reading() as tx:
        checked = check_file(tx, inspection)
    return _result(checked, _token_of(checked))


def _inspected(file: Path) -> Inspection:
    inspector = here().config.inspector
    if inspector is None:
        raise Unavailable(gettext("本中心没有配置文件核验，请扫描证照上的二维码。"))
    if not _inspecting.acquire(timeout=PATIENCE):
        raise Unavailable(gettext("同时核验的人太多，请过一会儿再试。"))
    try:
        found: Inspection = inspector.inspect(file)
        return found
    finally:
        _inspecting.release()


def check(token: str) -> Checked:
    """What there is to say of a token. Raises Unavailable."""
    tokens = here().config.tokens
    if tokens is None:
        raise Unavailable(gettext("本中心没有配置核验码。"))
    with reading() as tx:
        return check_token(tx, tokens, token)


def reading() -> Any:
    """A connection that opens no transaction: there is one statement, and it only reads."""
    return here().engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def _token_of(checked: Checked) -> str:
    tokens = here().config.tokens
    return tokens.make(checked.licence.id) if tokens is not None and checked.licence is not None else ""


def _language() -> dict[str, str]:
    wanted = request.args.get("_l_")
    return {"_l_": wanted} if wanted in ("zh", "en") else {}


def _result(checked: Checked, token: str) -> str:
    verdict, inspection = VERDICTS[checked.outcome], checked.inspection
    if checked.outcome == "unregistered" and checked.licence is None:
        verdict = NAMELESS
    stands = VERDICTS[checked.stands] if checked.stands and checked.stands != checked.outcome else None
    why = (
        cause(inspection.cause, inspection.facts, inspection.why)
        if inspection and not checked.genuine
        else ""
    )
    return _page(
        "public_result.html",
        checked=checked,
        verdict=verdict,
        stands=stands,
        why=why,
        token=token,
        face=checked.licence is not None and checked.licence.has_face and here().config.press is not None,
        in_other_words=_in_other_words(lambda: str(verdict.title)),
    )


def _in_other_words(said: Callable[[], str]) -> str:
    """The same in the other language: whoever stands beside the reader may not share theirs."""
    other = "zh" if current_app.jinja_env.globals["locale_now"]() == "en" else "en"  # type: ignore[operator]
    with force_locale(other):
        return said()


def _form(status: int, title: str = "", message: str = "") -> tuple[str, int]:
    return _page("public_verify.html", title=title, message=message, largest=LARGEST >> 20), status


def _page(name: str, **given: Any) -> str:
    """Not render_template: its context asks who is signed in, and so the database."""
    template = current_app.jinja_env.get_template(f"shenguan/{name}")
    language = current_app.jinja_env.globals["locale_now"]()  # type: ignore[operator]
    return template.render(language=language, keep=_language(), path=request.path, **given)
