"""签收看板: the board for the wall, and the part of it that the home pages carry and a script asks for again."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext

from admin.board.figures import Board, Lookout
from admin.pages import Screen
from admin.premises import here, may, own_department

_NAME = "shenguan_board"


class BoardView(Screen):
    """签收看板."""

    route_base = "/board"
    default_view = "show"

    @expose("/")
    @has_access
    @permission_name("see")
    def show(self) -> str:
        """The whole board."""
        return self.page(
            "board.html", title=gettext("签收看板"), board=seen(), cases=own_department() is None
        )

    @expose("/now")
    @has_access
    @permission_name("see")
    def now(self) -> str:
        """What changes on it, as a piece of a page."""
        return self.page("board_now.html", board=seen(), cases=own_department() is None)

    @expose("/tiles")
    @has_access
    @permission_name("see")
    def tiles(self) -> str:
        """The tiles alone, for the home pages."""
        return self.page("board_now.html", board=seen(), cases=False)


def seen() -> Board:
    """The board as it is."""
    lookout: Lookout = current_app.extensions.setdefault(
        _NAME, Lookout(here().engine, here().config.desk.clock)
    )
    return lookout.now()


def for_home() -> dict[str, Any]:
    """What a home page needs to carry the tiles; nothing for whoever may not see them."""
    return {"board": seen()} if may("can_see", "BoardView") else {}
