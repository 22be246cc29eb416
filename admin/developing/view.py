"""开发者文档: REST calls, messages of the topics, code tables, the connector document, adapters, the conformance tool.

Guarantees: made from the very contracts that the hub judges by, without anything from outside; every heading has an
address; any signed-in user reads it.
"""

from __future__ import annotations

from flask import Response, jsonify, request
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext

from admin.developing import told
from admin.developing.archive import schemas_zip
from admin.developing.schema_told import own_words
from admin.pages import Screen
from admin.premises import here
from admin.rest.description import document as rest_document
from hub.errors import NotFound
from schemas import asyncapi
from schemas.messages import MESSAGE_TYPES


class DeveloperView(Screen):
    """开发者文档."""

    route_base = "/developers"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> str:
        """Where to begin; with words, where they stand."""
        words = request.args.get("q", "").strip()[:80]
        return self.page(
            "dev_index.html",
            title=gettext("开发者文档"),
            words=words,
            hits=told.found(words) if words else [],
            titles=told.message_titles(),
        )

    @expose("/rest")
    @has_access
    @permission_name("read")
    def rest(self) -> str:
        """Every call of the REST door, with examples."""
        address = here().config.desk.public_url
        described = own_words(rest_document(address)["info"]["description"])
        return self.page(
            "dev_rest.html", title=gettext("REST 接口"), calls=told.calls(address), described=described
        )

    @expose("/messages")
    @has_access
    @permission_name("read")
    def messages(self) -> str:
        """The topics and their messages."""
        described = asyncapi.document()["info"]["description"]
        return self.page(
            "dev_messages.html",
            title=gettext("主题与消息"),
            ways=told.ways(),
            titles=told.message_titles(),
            described=own_words(described),
        )

    @expose("/messages/<name>")
    @has_access
    @permission_name("read")
    def message(self, name: str) -> str:
        """One message: every field, examples."""
        if name not in MESSAGE_TYPES:
            raise NotFound(gettext("没有这种消息。"))
        return self.page("dev_message.html", title=name, message=told.message(name))

    @expose("/codes")
    @has_access
    @permission_name("read")
    def codes(self) -> str:
        """Every code table."""
        return self.page("dev_codes.html", title=gettext("代码表"), tables=told.tables())

    @expose("/connector")
    @has_access
    @permission_name("read")
    def connector(self) -> str:
        """The connector document."""
        return self.page("dev_connector.html", title=gettext("连接器文件"), rows=told.connector_rows())

    @expose("/adapters")
    @has_access
    @permission_name("read")
    def adapters(self) -> str:
        """Every kind of adapter with its settings, and how to write one."""
        return self.page(
            "dev_adapters.html", title=gettext("适配器"), kinds=told.kinds(), source=told.own_adapter()
        )

    @expose("/conform")
    @has_access
    @permission_name("read")
    def conform(self) -> str:
        """The conformance tool."""
        return self.page("dev_conform.html", title=gettext("一致性检查"))

    @expose("/openapi.json")
    @has_access
    @permission_name("read")
    def openapi(self) -> Response:
        """The OpenAPI document of the REST door."""
        return jsonify(rest_document(here().config.desk.public_url))

    @expose("/asyncapi.json")
    @has_access
    @permission_name("read")
    def topics(self) -> Response:
        """The AsyncAPI document of the topics."""
        return Response(asyncapi.text(), mimetype="application/json")

    @expose("/schemas.zip")
    @has_access
    @permission_name("read")
    def archive(self) -> Response:
        """All contracts in one archive."""
        packed = schemas_zip(rest_document(here().config.desk.public_url))
        answer = Response(packed, mimetype="application/zip")
        answer.headers["Content-Disposition"] = "attachment; filename=shenguan-schemas.zip"
        return answer
