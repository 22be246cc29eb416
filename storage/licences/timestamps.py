"""Ask a time-stamp authority (RFC 3161) over HTTP, and check what it says.

Guarantees: bounded in time and size; whatever goes wrong is Unavailable in a sentence; a token counts only when it is for
the signature it was asked for, was signed by the authority, and the authority's chain ends at one of our anchors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import urllib3
from asn1crypto import cms, tsp, x509
from pyhanko.sign.general import SigningError
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import ValidationContext

from hub.errors import Unavailable
from storage.licences.coroutines import now
from storage.licences.pdf_file import Slot

_SECONDS = 10.0
_LARGEST = 1 << 20
_ASK = "请稍后再试；一直如此请系统管理员检查 SHENGUAN_TIMESTAMP_URL。"


class HttpClock(TimeStamper):
    """One authority."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.url = url
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=_SECONDS))

    def certificates(self) -> list[x509.Certificate]:
        """Those that the authority sends along, its own first. Asks it once an hour, at most."""
        return certificates_of(now(self.async_dummy_response("sha256")))

    def forget(self) -> None:
        """Ask anew: its certificate may have been renewed."""
        self._dummy_response_cache.clear()

    async def async_dummy_response(self, md_algorithm: str) -> cms.ContentInfo:
        """A token for practice: how large they are, and whose."""
        try:
            return await super().async_dummy_response(md_algorithm)
        except (AssertionError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"时间戳服务给的时间戳读不懂，证照没有签发。{_ASK}") from error

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """A token for this digest."""
        try:
            return await super().async_timestamp(message_digest, md_algorithm)
        except (SigningError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Unavailable(f"时间戳服务没有给出可用的时间戳，证照没有签发。{_ASK}") from error

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
        return tsp.TimeStampResp.load(raw, strict=True)


def certificates_of(token: cms.ContentInfo) -> list[x509.Certificate]:
    """The certificates in a token, the signer's first."""
    held = token["content"]
    serial = held["signer_infos"][0]["sid"].chosen["serial_number"].native
    found = [one.chosen for one in held["certificates"]]
    return sorted(found, key=lambda one: bool(one.serial_number != serial))


def check_time(
    document: bytes, slot: Slot, anchors: Sequence[x509.Certificate], moment: datetime
) -> list[x509.Certificate]:
    """Verify the timestamp in a signed document. Gives its certificates. Raises Unavailable."""
    raw = bytes.fromhex(document[slot.contents + 1 : slot.contents + slot.length - 1].decode())
    info = cms.ContentInfo.load(raw)["content"]["signer_infos"][0]
    for attribute in info["unsigned_attrs"]:
        if attribute["type"].native == "signature_time_stamp_token":
            token = attribute["values"][0]
            break
    else:
        raise Unavailable(f"签名里没有时间戳，证照没有签发。{_ASK}")
    context = ValidationContext(
        trust_roots=list(anchors), allow_fetching=False, revocation_mode="soft-fail", moment=moment
    )
    signature = info["signature"].native

    def imprint(algorithm: str) -> bytes:
        return hashlib.new(algorithm, signature).digest()

    said = now(validate_tst_signed_data(token["content"], context, imprint))
    if not (said["intact"] and said["valid"]):
        raise Unavailable(f"时间戳服务给的时间戳不是为这份文件做的，或签名不对，证照没有签发。{_ASK}")
    if said.get("trust_problem_indic") is not None or said.get("validation_path") is None:
        raise Unavailable(
            "时间戳服务的证书链到不了 ca.pem 里的根证书，证照没有签发。"
            "请系统管理员核实后把它的根证书加进 ca.pem。"
        )
    return certificates_of(token)
