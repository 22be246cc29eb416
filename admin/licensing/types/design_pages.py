"""What the designer asks while somebody draws: samples, starting layouts, pictures; designs copied, taken away, brought in.

Guarantees: only who may edit licence types draws samples and adds pictures; a picture is typed by its content, held to the
checks of everything that is taken in, kept sealed, and shown only to who may see the type. Nothing here publishes.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import Response, jsonify, request
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.licensing.types.rights import LICENCE_TYPE_RIGHTS
from admin.licensing.types.starting_layouts import starting_layout
from admin.licensing.types.type_forms import Design, read_design, sent_design
from admin.licensing.types.type_images import LARGEST_IMAGE, add, files, image_told, looked_at, put
from admin.licensing.types.type_sample import Asked, Sampled, draw, picture, sample_pdf, sampled, typed_words
from admin.pages import Screen
from admin.premises import here
from hub.catalogue.licence_type import LicenceType
from hub.errors import NotFound, Rejected
from hub.licensing.types.layout import layout_dict
from hub.licensing.types.licence_images import image_facts
from hub.licensing.types.number_rule import example
from hub.licensing.types.published_type import licence_type_version
from hub.licensing.types.save_licence_type import standing_licence_type
from hub.licensing.types.type_version import LicenceImage, LicenceTypeVersion
from hub.material import StoredObject
from hub.workday import LOCAL

NO_TOKEN = "SAMPLE" + "0" * 26  # as long as a real one, so that the code looks the same


class LicenceDesignView(Screen):
    """证照设计."""

    route_base = "/licence-designs"
    default_view = "sample"
    class_permission_name = "LicenceTypeView"
    base_permissions: ClassVar = list(LICENCE_TYPE_RIGHTS)

    @expose("/sample/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def sample(self, code: str) -> Response:
        """Faults, warnings and a picture of what is sent."""
        said = sent_design()
        design, sample = _sample(code, said)
        told = draw(here().config.press, sample, shown=bool(said.get("draw")))
        faults = [*design.element_faults(), *told["faults"]]
        rules = design.rules
        number = (
            example(rules.number_rule, area=here().config.desk.area, on=_today()) if rules.number_rule else ""
        )
        return jsonify(
            {
                **told,
                "faults": faults,
                "wrong": [*design.other_faults(), *(["words", -1, "", one] for one in sample.typed_faults)],
                "texts": dict(sample.face.texts),
                "words": typed_words(sample),
                "issuer": sample.face.issuer,
                "example": number,
            }
        )

    @expose("/sample-pdf/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def pdf(self, code: str) -> Response:
        """The sample as a PDF in the browser."""
        _design, sample = _sample(code, sent_design())
        answer = Response(sample_pdf(here().config.press, sample), mimetype="application/pdf")
        answer.headers["Content-Disposition"] = "inline; filename=sample.pdf"
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @expose("/start/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def start(self, code: str) -> Response:
        """A layout to begin from, with the fields as they stand in the editor."""
        said = sent_design()
        with here().engine.connect() as tx:
            now = standing_licence_type(tx, licence_type_row(tx, code)).rules
        design = read_design({**said, "layout": {}}, now)
        layout = starting_layout(str(said.get("start", "")), design.fields)
        return jsonify(layout=layout_dict(layout))

    @expose("/images/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def upload(self, code: str) -> Response:
        """A picture for the layouts of this type."""
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise Rejected(gettext("请选择图片文件。"))
        name = sent.filename
        with closing(sent):
            found = looked_at(sent.stream.read(LARGEST_IMAGE + 1), name)
        with here().engine.connect() as tx:
            licence_type_row(tx, code)
        kept = put(found)
        with here().engine.begin() as tx:
            image = add(tx, code, found, kept)
        return jsonify(image=image_told(code, image))

    @expose("/face/<code>/<int:number>.png")
    @has_access
    @permission_name("list")
    def face(self, code: str, number: int) -> Response:
        """The sample of one version, drawn."""
        answer = Response(_face(code, number), mimetype="image/png")
        answer.headers["Cache-Control"] = "private, max-age=60"
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return answer

    @expose("/image/<code>/<sha256>")
    @has_access
    @permission_name("list")
    def image(self, code: str, sha256: str) -> Response:
        """One picture of a type."""
        try:
            digest = bytes.fromhex(sha256)
        except ValueError:
            digest = b""
        with here().engine.connect() as tx:
            found = tx.execute(
                select(*StoredObject.__table__.c, LicenceImage.media_type)
                .join(LicenceImage, LicenceImage.sha256 == StoredObject.sha256)
                .where(LicenceImage.type_code == code, LicenceImage.sha256 == digest)
            ).first()
        if found is None:
            raise NotFound(gettext("没有这张图片。"))
        with files().open(found) as opened:
            content = b"".join(opened)
        answer = Response(content, mimetype=found.media_type)
        answer.headers["Cache-Control"] = "private, max-age=86400, immutable"
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return answer


def _face(code: str, number: int) -> bytes:
    with here().engine.connect() as tx:
        row = licence_type_row(tx, code)
        known = tx.scalar(
            select(LicenceTypeVersion.id).where(
                LicenceTypeVersion.type_code == row.code, LicenceTypeVersion.number == number
            )
        )
        if known is None:
            raise NotFound(gettext("没有这个版本。"))
        type_ = licence_type_version(tx, known)
    design = Design(type_.rules, type_.fields, type_.layout)
    return picture(here().config.press, sampled(code, design, type_.images, asked()).face)


def _sample(code: str, said: dict[str, Any]) -> tuple[Design, Sampled]:
    with here().engine.connect() as tx:
        now = standing_licence_type(tx, licence_type_row(tx, code)).rules
        design = read_design(said, now)
        images = image_facts(tx, design.layout)
    words = said.get("words")
    return design, sampled(code, design, images, asked(str(said.get("preset", "")), words))


def asked(preset: str = "", words: Any = None) -> Asked:
    """A sample of today, here."""
    desk = here().config.desk
    qr = f"{desk.public_url}/v/{NO_TOKEN}"
    return Asked(_today(), desk.area, qr, preset, words if isinstance(words, dict) else None)


def _today() -> Any:
    return datetime.now(UTC).astimezone(LOCAL).date()


def licence_type_row(tx: Connection, code: str) -> Any:
    """The type's row. Raises NotFound."""
    row = tx.execute(select(*LicenceType.__table__.c).where(LicenceType.code == code)).first()
    if row is None:
        raise NotFound(gettext("目录里没有代码为 %(code)s 的证照类型。", code=code[:40]))
    return row
