"""Foreign errors of the Kafka client, told apart by what the one who meets them should do."""

from __future__ import annotations

from kafka import errors as kafka_errors

from connectors.errors import (
    BusUnavailable,
    ConnectorError,
    HeldBack,
    Misconfigured,
    RecordRefused,
    TopicMissing,
)

# Wrong for every record alike: nobody's key should be parked for them.
_MISCONFIGURED = (
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.ClusterAuthorizationFailedError,
    kafka_errors.GroupAuthorizationFailedError,
    kafka_errors.KafkaConfigurationError,
)
# Wrong for this record or this topic, and will be wrong again.
_REFUSED: tuple[tuple[type[Exception], str], ...] = (
    (kafka_errors.MessageSizeTooLargeError, "消息超过消息代理允许的大小"),
    (kafka_errors.RecordListTooLargeError, "消息超过消息代理允许的大小"),
    (kafka_errors.TopicAuthorizationFailedError, "没有写入或读取这个主题的权限，请检查消息代理的访问控制"),
    (kafka_errors.InvalidTopicError, "主题名称不合法"),
    (kafka_errors.PolicyViolationError, "消息代理的策略不允许"),
    (kafka_errors.InvalidRecordError, "消息代理认为消息格式不对"),
    (kafka_errors.InvalidTimestampError, "消息代理认为消息时间不对"),
    (kafka_errors.UnsupportedForMessageFormatError, "消息代理不支持这种消息格式"),
)
FOREIGN = (kafka_errors.KafkaError, OSError, ValueError, TypeError, AssertionError, RuntimeError)


def translate(error: BaseException) -> ConnectorError:
    """Our error for the client's: refused for good, misconfigured, or to be tried again."""
    if isinstance(error, ConnectorError):
        return error
    if isinstance(error, kafka_errors.IllegalStateError):  # what a stopped producer says of its rest
        return HeldBack()
    if isinstance(error, kafka_errors.UnknownTopicOrPartitionError):
        return TopicMissing()
    for kind, words in _REFUSED:
        if isinstance(error, kind):
            return RecordRefused(f"{words}（{type(error).__name__}）。")
    if isinstance(error, _MISCONFIGURED):
        return Misconfigured(f"消息代理不接受我们的身份或权限设置（{type(error).__name__}）：{error}")
    if isinstance(error, TypeError | ValueError | AssertionError):
        return RecordRefused(f"消息无法编码：{error}")
    return BusUnavailable(f"消息代理暂时不可用（{type(error).__name__}）：{str(error)[:200]}")
