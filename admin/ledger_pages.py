"""留痕账本 and 运行状态: what was done, by whom; and what each program says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, Select, exists, select

from admin import cells, health
from admin.listing import Choice, Column, Listing
from admin.pages import ExportedList, Screen
from admin.premises import here
from hub.ledger import LedgerBatch, LedgerRow, LedgerUnsealed
from hub.overview import programs
from schemas import dumps

ACTIONS = {
    "upload.abandoned": "放弃上传",
    "upload.refused": "拒收文件",
    "upload.rewound": "要求续传",
    "housekeeping.swept": "定期整理",
    "key.made": "生成托管密钥",
    "department.channel_changed": "更改接入方式",
    "department.spoke": "网页代签",
    "case.opened": "开办办件",
    "case.decided": "审批决定",
    "push.arrived": "推送到达",
    "push.signed": "推送签收",
    "push.claimed": "推送认领",
    "push.returned": "推送退回",
    "push.reassigned": "转派推送",
    "push.insisted": "坚持推送",
    "push.recalled": "撤回推送",
    "push.reopened": "重新打开推送",
    "push.overdue": "推送超时",
    "push.receipted": "部门回执",
    "push.released": "放行推送",
    "decision.corrected": "更正决定",
    "decision.withdrawn": "撤回决定",
    "announcement.receipted": "签收告知",
    "finding.taken": "收到监管信息",
    "licence.frozen": "证照暂扣",
    "licence.lifted": "证照恢复",
    "licence.document_read": "下载证照文件",
    "licence.issued": "签发证照",
    "licence.held_too": "又一部门暂扣",
    "licence.hold_lifted": "一个部门解除暂扣",
    "licence.expired": "证照到期失效",
    "licence.superseded": "证照由新版代替",
    "licence.cancelled": "证照注销",
    "licence.withdrawn": "证照撤销",
    "licence.revoked": "证照吊销",
    "licence.transferred": "证照转出",
    "licence.set_aside": "证照改为其他状态",
    "licence.reinstated": "证照恢复（纠错）",
    "licence.change_receipted": "签收证照变更",
    "licence.shared": "共享证照",
    "licence.share_refused": "拒绝共享证照",
    "licence.copy_fetched": "取走加注件",
    "proposal.confirmed": "确认处置",
    "proposal.declined": "不予处置",
    "holder.told": "告知持证人",
    "holder.warned": "提醒持证人即将到期",
    "licence_rule.added": "新增联动规则",
    "licence_rule.changed": "修改联动规则",
    "licence_rule.retired": "停用联动规则",
    "licence_rule.revived": "启用联动规则",
    "licence_rule.reordered": "调整联动规则顺序",
    "licence.registered": "登记外部证照",
    "licence.exported": "导出证照",
    "licence.files_taken": "批量下载证照文件",
    "batch.read": "读入证照批次",
    "batch.failed": "证照批次读取失败",
    "batch.started": "开始证照批次",
    "batch.paused": "暂停证照批次",
    "batch.resumed": "继续证照批次",
    "batch.stopped": "停止证照批次",
    "batch.ended": "证照批次办完",
    "file.read": "调阅材料",
    "file.denied": "拒绝调阅",
    "material.added": "收存材料",
    "case.started": "开始收件",
    "case.accepted": "受理办件",
    "case.withdrawn": "撤回办件",
    "case.field_set": "填写表单",
    "material.used": "复用材料",
    "material.use_withdrawn": "撤销复用",
    "material.superseded": "材料更新版本",
    "material.revoked": "撤销材料",
    "material.corrected": "更正材料",
    "material.source_changed": "复用来源变动",
    "consent.recorded": "登记同意",
    "consent.withdrawn": "撤回同意",
    "deferral.promised": "承诺容缺补交",
    "deferral.settled": "容缺了结",
    "deferral.overdue": "容缺逾期",
    "department.added": "登记部门",
    "department.changed": "修改部门",
    "key.added": "登记密钥",
    "key.revoked": "吊销密钥",
    "item.added": "新增事项",
    "item.changed": "修改事项",
    "item.deleted": "删除事项",
    "item.drafted": "起草事项新版",
    "item.draft_changed": "修改事项草稿",
    "item.draft_discarded": "丢弃事项草稿",
    "item.published": "发布事项",
    "item.withdrawn": "撤下事项",
    "material_type.added": "新增材料类型",
    "material_type.drafted": "起草材料类型新版",
    "material_type.draft_changed": "修改材料类型草稿",
    "material_type.draft_discarded": "丢弃材料类型草稿",
    "material_type.published": "发布材料类型",
    "material_type.withdrawn": "撤下材料类型",
    "licence_type.added": "新增证照类型",
    "licence_type.changed": "修改证照类型",
    "licence_type.drafted": "起草证照类型新版",
    "licence_type.draft_changed": "修改证照类型草稿",
    "licence_type.draft_discarded": "丢弃证照类型草稿",
    "licence_type.published": "发布证照类型",
    "licence_type.withdrawn": "撤下证照类型",
    "licence_type.image_added": "上传证照图片",
    "licence_type.design_taken": "导出证照设计",
    "code_pattern.added": "新增编码规则",
    "code_pattern.changed": "修改编码规则",
    "code_pattern.deleted": "删除编码规则",
    "rule.added": "新增推送规则",
    "rule.changed": "修改推送规则",
    "rule.deleted": "删除推送规则",
    "rule.drafted": "起草推送规则新版",
    "rule.draft_changed": "修改推送规则草稿",
    "rule.draft_discarded": "丢弃推送规则草稿",
    "rule.published": "发布推送规则",
    "rule.withdrawn": "撤下推送规则",
    "push_limit.changed": "修改推送时限",
    "outbox.resent": "补发消息",
    "reconciliation.started": "开始对账",
    "reconciliation.done": "对账完成",
    "reconciliation.resent": "对账后重新发送",
    "reconciliation.settled": "说明对账差异",
    "count.reported": "部门报数",
    "push.added": "补推送",
    "outbox.unparked": "放行搁置",
    "notice.read": "已阅提醒",
    "notice.handled": "处理提醒",
    "notice.reopened": "撤销处理提醒",
    "notice.escalated": "提醒升级",
    "alert.raised": "告警",
    "alert.cleared": "告警恢复",
    "alert_limit.changed": "修改告警时限",
    "message.replayed": "重放隔离消息",
    "message.dismissed": "作废隔离消息",
    "message.quarantined": "消息被隔离",
    "advice.posted": "协调发言",
    "advice.closed": "协调了结",
    "advice.overdue": "协调逾期",
    "trace.bytes_shown": "查看签名原文",
    "sheet.loaded": "导入表格",
    "party.looked_up": "查看自然人",
    "user.added": "新增用户",
    "user.changed": "修改用户",
    "user.deleted": "删除用户",
    "role.changed": "修改角色",
    "grant.applied": "申请共享授权",
    "grant.reviewed": "共享授权合规审查",
    "grant.granted": "授予共享授权",
    "grant.refused": "拒绝共享授权",
    "grant.cancelled": "撤回共享申请",
    "grant.expired": "共享授权到期",
    "grant.withdrawn": "收回共享授权",
    "objection.marked": "提出校核",
    "objection.verifying": "开始核实",
    "objection.corrected": "校核后更正",
    "objection.rejected": "校核后维持",
    "objection.answered": "反馈校核结果",
    "limit.changed": "修改时限",
    "party.uses_shown": "查看材料使用情况",
    "connector.made": "新建连接器",
    "connector.saved": "保存连接器草稿",
    "connector.drafted": "起草连接器新版",
    "connector.published": "发布连接器版本",
    "connector.live": "连接器上线",
    "connector.paused": "暂停连接器",
    "connector.resumed": "恢复连接器",
    "connector.rewound": "连接器回退重送",
    "connector.retired": "停用连接器",
    "connector.state_dropped": "清除停用连接器的状态",
    "connector.imported": "导入连接器",
    "connector.secret_set": "填写连接器秘密",
    "connector.secret_forgotten": "清除连接器秘密",
    "connector.job_asked": "测试连接器",
    "connector.job_cancelled": "取消连接器测试",
    "connector.refusals_again": "再试被拒记录",
    "connector.refusals_dismissed": "不再处理被拒记录",
    "connector.sample_read": "查看连接器样例",
    "enrolment.code_made": "生成入网码",
    "enrolment.code_cancelled": "作废入网码",
    "key.enrolled": "入网登记密钥",
    "key.renewed": "密钥续期",
    "alert_channel.saved": "保存告警渠道",
    "alert_channel.removed": "删除告警渠道",
    "alert_channel.tested": "测试告警渠道",
}


def _query() -> Select[Any]:
    waiting = exists().where(LedgerUnsealed.ledger_id == LedgerRow.id)
    return select(
        LedgerRow.id,
        LedgerRow.at,
        LedgerRow.actor,
        LedgerRow.action,
        LedgerRow.subject,
        LedgerRow.case_no,
        LedgerRow.reason,
        LedgerRow.detail,
        waiting.label("unsealed"),
    ).select_from(LedgerRow)


def action_text(action: str) -> str:
    """What was done, in words."""
    return gettext(ACTIONS.get(action, action))


def _actions(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [(code, gettext(text)) for code, text in ACTIONS.items()]


def _seal(row: Any) -> Any:
    return cells.pill(gettext("待封存"), "wait") if row.unsealed else cells.pill(gettext("已封存"), "good")


class LedgerView(ExportedList):
    """留痕账本."""

    route_base = "/ledger"
    list_template = "ledger.html"
    listing = Listing(
        title=_("留痕账本"),
        query=_query,
        columns=(
            Column("id", _("序号"), lambda r: cells.mono(r.id), LedgerRow.id, narrow=True),
            Column("at", _("时间"), lambda r: cells.when(r.at)),
            Column("actor", _("经办"), lambda r: cells.mono(r.actor), None, narrow=True),
            Column("action", _("动作"), lambda r: cells.plain(action_text(r.action)), None, narrow=True),
            Column("subject", _("对象"), lambda r: cells.clip(r.subject, 30), wider=True),
            Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no)),
            Column("reason", _("理由"), lambda r: cells.clip(r.reason, 16)),
            Column(
                "detail",
                _("详情"),
                lambda r: cells.clip(dumps(r.detail).decode(), 40),
                None,
                lambda r: dumps(r.detail).decode(),
                wider=True,
            ),
            Column("unsealed", _("封存"), _seal, None, lambda r: "待封存" if r.unsealed else "已封存"),
        ),
        order=(LedgerRow.id.desc(),),
        search=(LedgerRow.case_no, LedgerRow.actor, LedgerRow.subject),
        search_hint=_("办件编号、经办人、对象"),
        choices=(Choice("action", _("动作"), LedgerRow.action, _actions),),
        day=(_("日期"), LedgerRow.at),
        href=lambda r: url_for("CaseView.show", case_no=r.case_no) if r.case_no else None,
        empty=_("账本还是空的。"),
    )

    def extras(self) -> dict[str, Any]:
        """The newest sealed batches."""
        with here().engine.connect() as tx:
            batches = tx.execute(
                select(LedgerBatch.__table__).order_by(LedgerBatch.number.desc()).limit(5)
            ).all()
        return {"batches": batches}


class ProgramView(Screen):
    """运行状态."""

    route_base = "/programs"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """Parts and programs."""
        with here().engine.connect() as tx:
            found = programs(tx, datetime.now(UTC))
        return self.page("programs.html", title=_("运行状态"), programs=found, parts=health.look(here()))
