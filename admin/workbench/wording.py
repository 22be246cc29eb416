"""What the engine's words mean on the page, in the reader's language. The facts are the engine's; here are the words."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext

from admin import cells
from hub.reuse.match import Candidate
from schemas import code_table


def verified(word: str) -> str:
    """How a source was verified."""
    said = {
        "valid": gettext("电子签名有效"),
        "untrusted": gettext("签名完好，签名人未列入信任名单"),
        "none": gettext("无电子签名，已核对收取"),
        "unchecked": gettext("未核验电子签名"),
        "invalid": gettext("电子签名无效，已标记"),
        "supplied": gettext("提供部门的数据"),
        "register": gettext("本系统登记"),
    }
    return said.get(word, word)


def verified_tone(word: str) -> str:
    """How good that is."""
    return {"valid": "good", "register": "good", "supplied": "good", "invalid": "bad"}.get(word, "mute")


def why_not(one: Candidate) -> str:
    """Why something on file may not be used, and what to do."""
    provider = one.provider_name or gettext("其他部门")
    if one.refusal == "frozen" and one.held_by:
        return gettext(
            "已暂扣（冻结），由%(who)s作出，不能复用。请等该部门解除，或让申请人交其他材料。", who=one.held_by
        )
    said = {
        "expired": gettext("已于 %(day)s 到期。请让申请人交在有效期内的材料。", day=one.valid_to),
        "not_yet_valid": gettext("自 %(day)s 起才有效。请让申请人交现在有效的材料。", day=one.valid_from),
        "revoked": gettext("已被撤销，不能复用。请让申请人交新的材料。"),
        "frozen": gettext("已暂扣（冻结），不能复用。请等解除，或让申请人交其他材料。"),
        "ended": gettext("已注销或失效。请让申请人交现行有效的材料。"),
        "not_granted": gettext(
            "由%(who)s提供，本部门没有在有效期内的共享授权。请在“共享授权”中申请，或让申请人提交。",
            who=provider,
        ),
        "not_shared": gettext("由%(who)s提供，目录规定不予共享。请让申请人提交。", who=provider),
        "wrong_version": gettext("按旧版要求收取，现行要求已不认可。请让申请人按现行要求提交。"),
        "bad_signature": gettext("电子签名无效。请让申请人交签名有效的文件。"),
    }
    return said.get(one.refusal or "", "")


def form_word(word: str) -> str:
    """原件, 复印件 or either."""
    return {"original": gettext("原件"), "copy": gettext("复印件")}.get(word, gettext("原件或复印件"))


def way_word(word: str) -> str:
    """How consent was given."""
    return cells.word_text("consent_way", word)


def verdict_word(word: str) -> str:
    """The state of a line."""
    said = {
        "used": gettext("已复用"),
        "taken": gettext("已收取"),
        "promised": gettext("待补交"),
        "usable": gettext("已在库"),
        "unusable": gettext("在库但不可用"),
        "may_follow": gettext("可容缺"),
        "missing": gettext("待提交"),
    }
    return said.get(word, word)


def source_state_word(word: str) -> str:
    """What has happened to a source since it was used."""
    said = {
        "expired": gettext("之后已到期"),
        "revoked": gettext("之后已撤销"),
        "frozen": gettext("之后被暂扣"),
        "corrected": gettext("之后已更正"),
    }
    return said.get(word, "")


def source_line(one: Any) -> str:
    """Where the value of a field of the form came from."""
    if one.source_kind == "typed":
        return gettext("窗口填写")
    if one.source_kind == "party":
        return gettext("来自相对人登记")
    if not one.source_name:
        return gettext("没有可带出的，请填写")
    named = gettext("来自 %(name)s", name=one.source_name)
    return f"{named} · {one.source_date}" if one.source_date else named


def code_choices(one: Any) -> list[tuple[str, str]]:
    """The options of a field that is chosen from a table."""
    return list(code_table(one.code_table or "yes_no").items())
