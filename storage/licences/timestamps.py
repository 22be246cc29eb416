"""Ask a time-stamp authority (RFC 3161) over HTTP.

Guarantees: bounded in time and size; whatever goes wrong is Unavailable in a sentence. That the answer is for what was
asked is checked by pyHanko (imprint and nonce); whose clock it is, by the caller.
"""

from __future__ import annotations

import urllib3
from asn1crypto import tsp
from pyhanko.sign.timestamps import TimeStamper

from hub.errors import Unavailable

_SECONDS = 10.0
_LARGEST = 1 << 20
_ASK = "请稍后再试；一直如此请系统管理员检查 SHENGUAN_TIMESTAMP_URL。"


class HttpClock(TimeStamper):
    """One authority."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.url = url
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=_SECONDS))

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """The authority's answer."""
        try:
            answer = self._http.request(
                "POST",
                self.url,
                body=req.dump(),
                headers={"Content-Type": "application/timestamp-query"},
                preload_content=False,
                redirect=False,
            )
            try:
                raw = answer.read(_LARGEST)
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"时间戳服务没有回答，证照没有签发。{_ASK}") from error
        if answer.status != 200:
            raise Unavailable(f"时间戳服务拒绝了请求（{answer.status}），证照没有签发。{_ASK}")
        try:
            return tsp.TimeStampResp.load(raw, strict=True)
        except ValueError as error:
            raise Unavailable(f"时间戳服务的回答读不懂，证照没有签发。{_ASK}") from error
