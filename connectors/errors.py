"""What can go wrong between us and the broker, for programs at the hub and at a department alike.

The class says what to do, the message says why, in Chinese. Nothing of kafka-python and nothing of the hub is imported here.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """连接器无法完成此操作。"""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or "")

    @property
    def message(self) -> str:
        """The sentence for the person in front of the screen."""
        return str(self.args[0])


class BusUnavailable(ConnectorError):
    """消息代理暂时不可用。数据没有丢失，恢复后会自动继续。"""


class RecordRefused(ConnectorError):
    """消息代理不接受这条消息。"""


class TopicMissing(RecordRefused):
    """消息代理上没有这个主题。"""


class HeldBack(ConnectorError):
    """同一办件的前一条消息未能发出，这一条按次序等待。"""


class Misconfigured(ConnectorError):
    """连接器的设置不正确。"""


class AdapterUnavailable(ConnectorError):
    """本部门的系统暂时不可用。数据没有丢失，恢复后会自动继续。"""

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        #: Seconds that the other side asked us to wait, if it said so.
        self.retry_after = retry_after
