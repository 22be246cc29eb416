"""Explain: a candidate in one Chinese sentence, what it is or why it may not be used and what to do then."""

from __future__ import annotations

from hub.reuse.rules import Candidate

#: How a source was verified, for people.
VERIFIED = {
    "valid": "电子签名有效",
    "untrusted": "电子签名完好，签名人未列入信任名单",
    "none": "文件没有电子签名，已核对收取",
    "unchecked": "收取时未核验电子签名",
    "invalid": "电子签名无效，按材料类型的规定已标记",
    "supplied": "由提供部门的数据核验",
    "register": "本系统登记的证照或审批结果",
}
_WHY_NOT = {
    "expired": "“{name}”已于 {valid_to} 到期，不能复用。请让申请人交在有效期内的材料。",
    "not_yet_valid": "“{name}”自 {valid_from} 起才有效，现在不能复用。请等到那天，或让申请人交现在有效的材料。",
    "revoked": "“{name}”已被撤销，不能复用。请让申请人交新的材料。",
    "frozen": "“{name}”已冻结（暂扣）{held}，不能复用。请等该部门解除，或让申请人交其他材料。",
    "ended": "“{name}”已注销或失效，不能复用。请让申请人交现行有效的材料。",
    "not_granted": "“{name}”由{provider}提供，本部门没有在有效期内的共享授权。请在“共享授权”中申请，或让申请人提交。",
    "not_shared": "“{name}”由{provider}提供，目录规定不予共享。请让申请人提交。",
    "wrong_version": "“{name}”是按旧版要求收取的，现行要求已不认可。请让申请人按现行要求提交。",
    "bad_signature": "“{name}”的电子签名无效，不能复用。请让申请人交签名有效的文件。",
}


def explain(candidate: Candidate) -> str:
    """Why it may not be used and what to do; or what it is, from whom, when, verified how, valid until when."""
    provider = candidate.provider_name or "其他部门"
    if candidate.refusal:
        return _WHY_NOT[candidate.refusal].format(
            name=candidate.name,
            valid_to=candidate.valid_to,
            valid_from=candidate.valid_from,
            held=f"，由{candidate.held_by}作出" if candidate.held_by else "",
            provider=provider,
        )
    until = f"有效期至 {candidate.valid_to}" if candidate.valid_to else "长期有效"
    parts = [
        f"“{candidate.name}”，{provider}于 {candidate.taken_on} 取得",
        VERIFIED[candidate.verified],
        until,
    ]
    if candidate.consent_needed:
        parts.append("复用前须记录申请人同意")
    if candidate.objected:
        parts.append("有人提出校核，尚未答复，请核对")
    return "，".join(parts) + "。"
