"""What the public pages say, by the outcome of a check: a tone, a heading and what the reader should do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Verdict:
    """`tone` good, warn or bad colours it; the words alone say the same."""

    tone: str
    title: Any
    advice: Any


_COMPARE = _("请把页面上的照面与您手中的证照逐项对照：名称、编号、持证主体有一处不同，手中的证照就不可信。")

VERDICTS: dict[str, Verdict] = {
    "valid": Verdict("good", _("真实有效"), _COMPARE),
    "not_yet": Verdict("warn", _("真实，尚未到生效日期"), _COMPARE),
    "suspended": Verdict("bad", _("真实，但已暂扣"), _("暂扣期间不得使用，请以颁证单位发还后的状态为准。")),
    "superseded": Verdict("warn", _("真实，但已被新版替代"), _("请向持证主体索取新版证照再核验。")),
    "expired": Verdict("bad", _("真实，但已到期失效"), _("有效期已过，不能再作为凭证使用。")),
    "withdrawn": Verdict("bad", _("真实，但已被撤销"), _("撤销后不能再作为凭证使用。")),
    "cancelled": Verdict("bad", _("真实，但已注销"), _("注销后不能再作为凭证使用。")),
    "revoked": Verdict("bad", _("真实，但已被吊销"), _("吊销后不能再作为凭证使用。")),
    "transferred": Verdict("bad", _("真实，但已办理转出"), _("请到转入地的颁证单位核验。")),
    "other": Verdict("bad", _("真实，但已停止使用"), _("详情请向颁证单位查询。")),
    "unregistered": Verdict(
        "warn",
        _("签名完好，但不是登记在册的文件"),
        _(
            "文件由本中心的证书签名且没有被改动，但与本中心发出的每一份文件都不同。请以下方登记的状态为准，并向持证主体索取原文件。"
        ),
    ),
    "altered": Verdict("bad", _("内容被改动"), _("签名之后文件被改动过，请勿采信。可向持证主体索取原文件。")),
    "stranger": Verdict(
        "bad", _("不是本中心签发"), _("文件上的签名不是本中心的证书所签，本中心无法证明它的真伪。")
    ),
    "certificate": Verdict(
        "bad",
        _("签名证书无效"),
        _("签名所用的证书已被吊销或已过有效期，不能证明文件是真的。请向颁证单位查询。"),
    ),
    "unsigned": Verdict(
        "bad",
        _("没有电子签名"),
        _("文件上没有电子签名，可能是扫描件、截图或另存的文件。请上传证照原文件，或扫描证照上的二维码。"),
    ),
    "unreadable": Verdict(
        "bad", _("无法识别"), _("这不是可以核验的证照文件。请上传证照的 PDF 原文件，或扫描证照上的二维码。")
    ),
    "unknown": Verdict(
        "bad", _("无法识别"), _("没有与之对应的证照。请重新扫描证照上的二维码，或检查核验码是否输入完整。")
    ),
}

#: The same, of a file that does not even name a licence on record.
NAMELESS = Verdict(
    "bad",
    VERDICTS["unregistered"].title,
    _(
        "文件由本中心的证书签名且没有被改动，但没有登记发出过，也没有写明是哪一份证照。请勿采信，并向颁证单位查询。"
    ),
)

#: storage.licences.inspect.CAUSES, for who reads English; placeholders are the inspection's facts.
CAUSES: dict[str, Any] = {
    "changed": _("签名覆盖文件的 %(covered)s 个字节，其中的内容与签名时不一致。"),
    "appended": _("签名覆盖文件开头的 %(covered)s 个字节，签名之后又加进了 %(extra)s 个字节的改动。"),
    "wrapped": _("签名为自己留出的位置里夹着别的内容，显示出来的可能不是签名时的那一份。"),
    "broken": _("签名数据本身已损坏，无法解析。"),
    "value": _("签名值验证不通过。"),
    "stranger": _("签名人“%(signer)s”的证书不是本中心签发证照所用的。"),
    "expired": _("签名证书已于 %(date)s 到期，又没有可信的时间戳证明签名在此之前。"),
    "not_yet": _("签名证书在签名时尚未生效。"),
    "revoked": _("签名证书已于 %(date)s 被吊销，没有可信的时间戳证明签名在此之前。"),
    "unsigned": _("文件里没有任何电子签名。"),
    "not_pdf": _("文件不是 PDF。"),
    "encrypted": _("PDF 设了密码，读不到其中的签名。"),
    "malformed": _("PDF 的结构不规范，读不出其中的签名。"),
    "too_long": _("PDF 有 %(pages)s 页，证照文件不会超过 %(most)s 页。"),
    "too_much": _("文件没能在限定的时间和内存内核验完。"),
    "algorithm": _("签名使用了本中心不能核验的算法。"),
    "no_credentials": _("本中心还没有配置证照签名证书，只能按登记的文件核对。"),
}


def cause(key: str, facts: Any, otherwise: str) -> str:
    """Why, in the reader's language."""
    words = CAUSES.get(key)
    if words is None:
        return otherwise
    return str(words) % {name: str(value) for name, value in facts.items()} if facts else str(words)
