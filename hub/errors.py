"""The five errors, each saying what the one who meets it should do.

The class says what to do, the message says why, in a sentence a clerk can act on.
Foreign errors (of the database, the object store, the broker) are translated where their bytes are consumed.
"""

from __future__ import annotations


class HubError(Exception):
    """审管通无法完成此操作。"""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or "")

    @property
    def message(self) -> str:
        """The sentence for the person in front of the screen."""
        return str(self.args[0])


class Denied(HubError):
    """您没有进行此操作的权限。请联系数据管理员。"""


class NotFound(HubError):
    """没有找到您要的记录。请核对编号。"""


class Conflict(HubError):
    """记录已被他人改动或已经存在。请刷新后再试。"""


class Rejected(HubError):
    """内容不符合要求。请按提示改正后重新提交。"""


class Unavailable(HubError):
    """所依赖的服务暂时不可用。数据没有丢失，恢复后会自动继续。"""
