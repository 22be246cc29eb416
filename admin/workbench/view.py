"""WorkbenchView: the page and its buttons under one name, so that three rights guard them all."""

from __future__ import annotations

from admin.workbench.acting import ActingPages


class WorkbenchView(ActingPages):
    """窗口工作台. can_use: look and reuse; can_take: files; can_accept: start, promise, accept, withdraw."""

    route_base = "/workbench"
    default_view = "index"
