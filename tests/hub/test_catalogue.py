"""The catalogue: drafts, publication, withdrawal; what was published never changes, and a case keeps its version."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import IntegrityError

from hub.catalogue.draft_item import discard_item_draft, draft_item, set_form, set_header, set_requirements
from hub.catalogue.draft_type import add_type, draft_type, set_type
from hub.catalogue.faults import Faulty
from hub.catalogue.fields import FieldDef
from hub.catalogue.history import compared_items, history, item_versions
from hub.catalogue.item_lines import Line
from hub.catalogue.item_version import ItemVersion
from hub.catalogue.publish_item import item_content, publish_item, withdraw_item
from hub.catalogue.publish_type import items_asking, publish_type, renew_items, withdraw_type
from hub.catalogue.published import item_version, published_item, published_items
from hub.catalogue.save_item import save_item, standing_item
from hub.catalogue.version import VERSION_STATES
from hub.catalogue.version_states import ACTS, TRANSITIONS
from hub.errors import Conflict, HubError, NotFound, Rejected
from hub.item import ServiceItem
from hub.ledger import CATALOGUE_ROWS, LedgerRow
from tests.hub.catalogue_builders import (
    CLINIC,
    FOOD,
    HYGIENE,
    LINES,
    publish_sample_catalogue,
    publish_sample_item,
    publish_sample_type,
)

ME = "user:test"


@pytest.fixture
def catalogue(county: Engine) -> Engine:
    """The sample, published."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
    return county


def refused(tx: Connection, version: uuid.UUID) -> str:
    """What publishing says against a draft."""
    with pytest.raises(Rejected) as error, tx.begin_nested():
        publish_item(tx, version, actor=ME)
    return error.value.message


def test_what_is_published_is_what_was_drafted(catalogue: Engine) -> None:
    """A version names its materials with their types' versions, fields and stand-ins; a process reads it once."""
    with catalogue.begin() as tx:
        found = published_item(tx, FOOD)
        assert [one.code for one in found.requirements] == [f"M0{n}" for n in range(1, 8)]
        assert found.requirements[0].type_version == 1
        assert found.requirements[0].fields[0].name == "credit_code"
        assert found.requirements[1].consent_required
        assert found.requirements[3].formats == ("pdf", "jpg", "png")
        assert item_version(tx, found.version_id) is found
        assert [one.code for one in published_items(tx)] == [FOOD, HYGIENE, CLINIC]
        clinic = published_item(tx, CLINIC).requirements[1]
        assert [(one.kind, one.code) for one in clinic.stand_ins] == [
            ("result", HYGIENE),
            ("material", "floor-plan"),
        ]
        with pytest.raises(NotFound, match="没有已发布的办事指南"):
            published_item(tx, "QT-000")


def test_a_draft_is_made_once_and_nothing_of_it_counts(catalogue: Engine) -> None:
    """Two calls give one draft; what is changed in it is not seen by cases; thrown away it leaves the published version."""
    with catalogue.begin() as tx:
        before = published_item(tx, FOOD)
        draft = draft_item(tx, FOOD, actor=ME)
        assert draft_item(tx, FOOD, actor="user:other") == draft
        set_requirements(tx, draft, LINES[FOOD][:2], actor=ME)
        set_header(tx, draft, {"name": "新名称"}, actor=ME)
        assert published_item(tx, FOOD) == before
        assert tx.scalar(select(ServiceItem.name).where(ServiceItem.code == FOOD)) == "食品经营许可"
        discard_item_draft(tx, draft, actor=ME)
        assert [one.state for one in item_versions(tx, FOOD)] == ["published"]
        with pytest.raises(NotFound, match="草稿已被丢弃"):
            publish_item(tx, draft, actor=ME)


def test_publishing_supersedes_and_a_running_case_keeps_its_version(catalogue: Engine) -> None:
    """The old version ends, the new one is what cases start with, the old one reads as before."""
    with catalogue.begin() as tx:
        old = published_item(tx, FOOD)
    with catalogue.begin() as tx:
        new_id = publish_sample_item(tx, FOOD, LINES[FOOD][:3], header={"name": "食品经营许可（新）"})
    with catalogue.begin() as tx:
        now = published_item(tx, FOOD)
        assert (now.version_id, now.number, len(now.requirements)) == (new_id, 2, 3)
        assert item_version(tx, old.version_id) == old
        assert [(one.number, one.state) for one in item_versions(tx, FOOD)] == [
            (2, "published"),
            (1, "superseded"),
        ]
        assert tx.scalar(select(ServiceItem.name).where(ServiceItem.code == FOOD)) == "食品经营许可（新）"
        changes = compared_items(tx, old.version_id, new_id)
        assert {(one.part, one.line, one.field) for one in changes} >= {
            ("header", "", "name"),
            ("lines", "M04", ""),
        }
        assert publish_item(tx, new_id, actor=ME) == 2  # arrives twice
        assert len(item_versions(tx, FOOD)) == 2


def test_withdrawn_means_no_new_cases(catalogue: Engine) -> None:
    """Withdrawal needs a reason, ends the version for new cases only, and is refused a second time."""
    with catalogue.begin() as tx:
        old = published_item(tx, FOOD)
        with pytest.raises(Rejected, match="理由"):
            withdraw_item(tx, FOOD, actor=ME, reason=" ")
        withdraw_item(tx, FOOD, actor=ME, reason="法规废止")
        with pytest.raises(NotFound):
            published_item(tx, FOOD)
        with pytest.raises(Conflict, match="不需要撤下"):
            withdraw_item(tx, FOOD, actor=ME, reason="再来一次")
        assert item_version(tx, old.version_id).requirements == old.requirements
        draft = draft_item(tx, FOOD, actor=ME)
        assert publish_item(tx, draft, actor=ME) == 2


FAULTS: dict[str, tuple[Callable[[Connection, uuid.UUID], object], str]] = {
    "empty": (lambda tx, d: set_requirements(tx, d, (), actor=ME), "材料清单是空的"),
    "itself": (
        lambda tx, d: set_requirements(
            tx, d, [Line("premises", stand_ins=(("material", "premises"),))], actor=ME
        ),
        "第 1 行：可替代里写了这种材料自己",
    ),
    "own result": (
        lambda tx, d: set_requirements(tx, d, [Line("premises", stand_ins=(("result", FOOD),))], actor=ME),
        "本事项自己的结果",
    ),
    "same name": (
        lambda tx, d: set_requirements(tx, d, [Line("premises"), Line("premises")], actor=ME),
        "第 2 行：材料名称“经营场所使用证明”与第 1 行相同",
    ),
    "code shape": (
        lambda tx, d: set_header(tx, d, {"task_code": "1137-bad"}, actor=ME),
        "实施编码“1137-bad”（8 位）不符合任何编码规则",
    ),
    "another's name": (
        lambda tx, d: set_header(tx, d, {"name": "公共场所卫生许可"}, actor=ME),
        "已由事项 XK-003 使用",
    ),
}


@pytest.mark.parametrize("case", sorted(FAULTS))
def test_what_must_not_be_published_is_refused_with_its_line(case: str, catalogue: Engine) -> None:
    """Every rule of publication has its sentence, and nothing is published."""
    spoil, sentence = FAULTS[case]
    with catalogue.begin() as tx:
        draft = draft_item(tx, FOOD, actor=ME)
        spoil(tx, draft)
        assert sentence in refused(tx, draft)
        assert published_item(tx, FOOD).number == 1


def test_a_type_that_is_not_published_is_not_asked_for(catalogue: Engine) -> None:
    """A draft type may stand in a draft list; publishing says which line waits for it."""
    with catalogue.begin() as tx:
        add_type(tx, code="new-type", name="新材料", actor=ME)
        draft = draft_item(tx, FOOD, actor=ME)
        set_requirements(tx, draft, [Line("premises"), Line("new-type")], actor=ME)
        assert "第 2 行：材料类型“新材料”还没有发布" in refused(tx, draft)


SAVES: dict[str, tuple[dict[str, object], str]] = {
    "limits": ({"header": {"legal_days": 5, "promised_days": 9}}, "承诺时限（9）不得长于法定时限（5）"),
    "conditions": (
        {"header": {"sharing": "conditional", "sharing_conditions": " "}},
        "有条件共享应列明共享条件",
    ),
    "basis": ({"header": {"sharing": "none", "sharing_basis": ""}}, "不予共享应写明"),
    "unknown type": ({"lines": [{"material_type": "nope"}]}, "第 1 行：没有代码为“nope”的材料类型"),
    "twice": (
        {"lines": [{"material_type": "premises", "code": "A"}, {"material_type": "floor-plan", "code": "A"}]},
        "第 2 行：行代码“A”与第 1 行重复",
    ),
    "days without": (
        {"lines": [{"material_type": "premises", "deferral_days": 3}]},
        "没有勾选“可容缺”",
    ),
    "field": ({"form": [{"name": "9", "label": "", "type": "x"}]}, "申请表字段第 1 行：字段代号"),
    "step": ({"header": {"special_steps": [{"name": ""}]}}, "特殊环节第 1 行：请填写环节名称"),
    "no list": ({"lines": "hello"}, "材料清单应为一张表"),
    "too long": ({"lines": [{"material_type": "premises"}] * 201}, "最多 200 行"),
    "strange line": ({"lines": [7]}, "这一行读不出来"),
}


@pytest.mark.parametrize("case", sorted(SAVES))
def test_a_wrong_save_changes_nothing_and_says_where(case: str, catalogue: Engine) -> None:
    """All faults of all parts are told with their lines; not even a draft is left."""
    said, sentence = SAVES[case]
    with catalogue.begin() as tx:
        with pytest.raises(Faulty) as error, tx.begin_nested():
            save_item(tx, FOOD, said, actor=ME)
        assert sentence in error.value.message
        assert [one.state for one in item_versions(tx, FOOD)] == ["published"]


def test_what_another_saved_is_not_overwritten_unseen(catalogue: Engine) -> None:
    """Two editors at once: the second, who saw the old content, is told; who saw the new one may save."""
    with catalogue.begin() as tx:
        item = tx.execute(select(*ServiceItem.__table__.c).where(ServiceItem.code == FOOD)).one()
        seen = standing_item(tx, item).stamp
        save_item(tx, FOOD, {"header": {"legal_days": 20}}, actor="user:a", seen=seen)
        with pytest.raises(Conflict, match="刚被别人改过"):
            save_item(tx, FOOD, {"header": {"legal_days": 30}}, actor="user:b", seen=seen)
        save_item(
            tx, FOOD, {"header": {"legal_days": 30}}, actor="user:b", seen=standing_item(tx, item).stamp
        )


def test_every_change_is_in_the_ledger_with_was_and_is(catalogue: Engine) -> None:
    """Draft, change, publication and withdrawal each leave a row with what was and what is."""
    with catalogue.begin() as tx:
        draft = draft_item(tx, FOOD, actor=ME)
        set_header(tx, draft, {"legal_days": 20}, actor=ME)
        set_form(tx, draft, [FieldDef("credit_code", "代码", "text")], actor=ME)
        publish_item(tx, draft, actor=ME)
        withdraw_item(tx, FOOD, actor=ME, reason="法规废止")
        rows = history(tx, f"item:{FOOD}")
    assert [row.action for row in rows[:5]] == [
        "item.withdrawn",
        "item.published",
        "item.draft_changed",
        "item.draft_changed",
        "item.drafted",
    ]
    told = rows[3].detail["changes"]
    assert told == [{"part": "header", "line": "", "field": "legal_days", "was": None, "is": 20}]
    assert rows[0].reason == "法规废止"


# ---- material types


def test_a_new_type_version_reaches_items_when_they_are_published_anew(catalogue: Engine) -> None:
    """An item goes on asking for the version it was published with; renewing publishes it with the new one, drafts kept."""
    with catalogue.begin() as tx:
        draft = draft_item(tx, HYGIENE, actor="user:other")
        set_requirements(tx, draft, LINES[HYGIENE][:2], actor="user:other")
        publish_sample_type(
            tx,
            "premises",
            fields=(FieldDef("address", "住所", "text"),),
            header={"validity_kind": "permanent"},
        )
        assert published_item(tx, FOOD).requirements[2].type_version == 1
        assert items_asking(tx, "premises", older_than=2) == [FOOD, HYGIENE, CLINIC]
        assert renew_items(tx, "premises", actor=ME) == [FOOD, HYGIENE, CLINIC]
        assert renew_items(tx, "premises", actor=ME) == []
    with catalogue.begin() as tx:
        line = published_item(tx, FOOD).requirements[2]
        assert (line.type_version, [one.name for one in line.fields]) == (2, ["address"])
        assert [(one.number, one.state) for one in item_versions(tx, HYGIENE)] == [
            (3, "draft"),
            (2, "published"),
            (1, "superseded"),
        ]
        assert len(item_content(tx, draft_item(tx, HYGIENE, actor=ME)).lines) == 2
        assert len(published_item(tx, HYGIENE).requirements) == 5


def test_a_type_that_is_asked_for_is_not_withdrawn(catalogue: Engine) -> None:
    """Withdrawing names the items that still ask; a type that nobody asks for goes."""
    with catalogue.begin() as tx:
        with pytest.raises(Conflict, match=f"{FOOD}、{HYGIENE}"):
            withdraw_type(tx, "premises", actor=ME, reason="不再收取")
        withdraw_item(tx, FOOD, actor=ME, reason="法规废止")
        withdraw_type(tx, "health-proof", actor=ME, reason="不再收取")
        draft = draft_item(tx, FOOD, actor=ME)
        assert "从业人员健康证明”还没有发布（或已撤下）" in refused(tx, draft)


def test_a_validity_field_must_be_a_date_of_the_type(catalogue: Engine) -> None:
    """The rule that names a field is refused without it, also when the field is removed later."""
    with catalogue.begin() as tx:
        draft = draft_type(tx, "premises", actor=ME)
        with pytest.raises(Rejected, match="日期字段"):
            set_type(tx, draft, {}, (FieldDef("address", "住所", "text"),), actor=ME)
        set_type(tx, draft, {"accepts_from": 9}, actor=ME)
        with pytest.raises(Rejected, match="不能晚于正在发布的第 2 版"):
            publish_type(tx, draft, actor=ME)


# ---- the life of a version


@pytest.mark.parametrize(("state", "act"), sorted(product(VERSION_STATES, ACTS)))
def test_all_pairs_of_the_version_table(state: str, act: str, catalogue: Engine) -> None:
    """Each act in each state does what TRANSITIONS says, and is refused where it says nothing."""
    with catalogue.begin() as tx:
        version = _in_state(tx, state)
        wanted = TRANSITIONS.get((state, act), state)
        try:
            with tx.begin_nested():
                _do(tx, version, act)
        except (HubError, IntegrityError):
            assert (state, act) not in TRANSITIONS
        now = tx.scalar(select(ItemVersion.state).where(ItemVersion.id == version))
        assert now == wanted


def _in_state(tx: Connection, state: str) -> uuid.UUID:
    version = published_item(tx, FOOD).version_id
    if state == "draft":
        return draft_item(tx, FOOD, actor=ME)
    if state == "superseded":
        publish_item(tx, draft_item(tx, FOOD, actor=ME), actor=ME)
    if state == "withdrawn":
        withdraw_item(tx, FOOD, actor=ME, reason="法规废止")
    return version


def _do(tx: Connection, version: uuid.UUID, act: str) -> None:
    """The act as the verbs offer it, by the version's id where they take one."""
    row = tx.execute(select(ItemVersion.state).where(ItemVersion.id == version)).one()
    if act == "publish":
        publish_item(tx, version, actor=ME)
    elif act == "discard":
        discard_item_draft(tx, version, actor=ME)
    else:
        ended = {"supersede": "superseded", "withdraw": "withdrawn"}[act]
        if row.state == "draft":
            raise Conflict
        tx.execute(update(ItemVersion).where(ItemVersion.id == version).values(state=ended))


REFUSED_SQL = (
    "UPDATE requirements SET name = 'x' WHERE version_id = :v",
    "DELETE FROM requirements WHERE version_id = :v",
    "UPDATE requirements SET version_id = :draft WHERE version_id = :v",
    "INSERT INTO requirements (id, version_id, code, seq, name, material_type)"
    " VALUES (gen_random_uuid(), :v, 'Z', 9, 'x', 'premises')",
    "DELETE FROM stand_ins WHERE requirement_id IN (SELECT id FROM requirements WHERE version_id = :v)",
    "UPDATE stand_ins SET seq = 9 WHERE requirement_id IN (SELECT id FROM requirements WHERE version_id = :v)",
    "UPDATE item_versions SET header = '{}' WHERE id = :v",
    "UPDATE item_versions SET form = '[]', state = 'superseded' WHERE id = :v",
    "UPDATE item_versions SET state = 'draft' WHERE id = :v",
    "DELETE FROM item_versions WHERE id = :v",
    "UPDATE material_type_versions SET fields = '[]' WHERE type_code = 'premises'",
    "DELETE FROM material_type_versions WHERE type_code = 'premises'",
)


@pytest.mark.parametrize("statement", REFUSED_SQL)
def test_the_database_itself_refuses_to_change_what_was_published(statement: str, catalogue: Engine) -> None:
    """No program can change, move or delete what cases rest on."""
    with catalogue.connect() as tx:
        version = published_item(tx, CLINIC).version_id
        if "stand_ins" in statement:
            assert tx.scalar(text("SELECT count(*) FROM stand_ins")) > 0
        draft = draft_item(tx, CLINIC, actor=ME)
        set_requirements(tx, draft, (), actor=ME)
        with pytest.raises(IntegrityError, match=r"do(es)? not change|is not deleted|does not become"):
            tx.execute(
                text(statement), {"v": version, "draft": draft} if ":draft" in statement else {"v": version}
            )


LINE = st.builds(
    Line,
    material_type=st.sampled_from(["premises", "floor-plan", "business-licence", "health-proof"]),
    name=st.sampled_from(["甲", "乙", "丙", "丁"]),
    code=st.sampled_from(["", "M01", "M02"]),
    required=st.booleans(),
    may_follow=st.booleans(),
    copies=st.integers(1, 9),
    stand_ins=st.lists(
        st.sampled_from([("material", "application"), ("result", HYGIENE), ("material", "premises")]),
        max_size=2,
    ).map(tuple),
)
STEP = st.one_of(
    st.tuples(st.just("lines"), st.lists(LINE, max_size=4)),
    st.tuples(st.just("header"), st.fixed_dictionaries({"legal_days": st.integers(0, 60)})),
    st.tuples(st.sampled_from(["publish", "withdraw", "discard", "renew"]), st.none()),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(STEP, min_size=2, max_size=10))
def test_whatever_is_done_no_published_version_ever_changes(
    catalogue: Engine, steps: list[tuple[str, object]]
) -> None:
    """However drafts are written, published, withdrawn: a version once published reads the same for ever, so a case that
    holds it keeps what it started with; at most one is published and one a draft."""
    with catalogue.connect() as tx:
        published: dict[uuid.UUID, object] = {}
        for verb, value in steps:
            try:
                with tx.begin_nested():
                    _play(tx, verb, value)
            except HubError:
                pass
            for one in item_versions(tx, FOOD):
                if one.state != "draft":
                    said = item_content(tx, one.id), item_version(tx, one.id)
                    assert published.setdefault(one.id, said) == said
            states = [one.state for one in item_versions(tx, FOOD)]
            assert states.count("draft") <= 1
            assert states.count("published") <= 1
        tx.rollback()


def _play(tx: Connection, verb: str, value: object) -> None:
    if verb == "withdraw":
        withdraw_item(tx, FOOD, actor=ME, reason="法规废止")
    elif verb == "renew":
        publish_sample_type(tx, "premises")
        renew_items(tx, "premises", actor=ME)
    elif verb == "discard":
        discard_item_draft(tx, draft_item(tx, FOOD, actor=ME), actor=ME)
    elif verb == "publish":
        publish_item(tx, draft_item(tx, FOOD, actor=ME), actor=ME)
    elif verb == "lines":
        set_requirements(tx, draft_item(tx, FOOD, actor=ME), value, actor=ME)  # type: ignore[arg-type]
    else:
        set_header(tx, draft_item(tx, FOOD, actor=ME), value, actor=ME)  # type: ignore[arg-type]


def test_a_publication_taken_back_is_not_remembered(catalogue: Engine) -> None:
    """What a transaction published and rolled back is a draft again: the process must not go on with what it read."""
    with catalogue.begin() as tx:
        draft = draft_item(tx, FOOD, actor=ME)
    with catalogue.connect() as tx:
        set_requirements(tx, draft, LINES[FOOD][:1], actor=ME)
        publish_item(tx, draft, actor=ME)
        assert len(published_item(tx, FOOD).requirements) == 1
        tx.rollback()
    with catalogue.begin() as tx:
        set_requirements(tx, draft, LINES[FOOD][:2], actor=ME)
        publish_item(tx, draft, actor=ME)
    with catalogue.begin() as tx:
        assert len(published_item(tx, FOOD).requirements) == 2


def test_the_history_has_an_index_of_its_own(catalogue: Engine) -> None:
    """The change history of one entry is found by its index, however long the ledger is."""
    with catalogue.begin() as tx:
        tx.execute(text("SET LOCAL enable_seqscan = off"))
        query = select(LedgerRow.id).where(LedgerRow.subject == f"item:{FOOD}")
        plain = str(query.compile(compile_kwargs={"literal_binds": True}))
        plan = tx.execute(text(f"EXPLAIN {plain} AND {CATALOGUE_ROWS}")).scalars().all()
        assert any("ix_ledger_catalogue" in line for line in plan)


def test_two_at_once_make_one_draft_and_one_publication(catalogue: Engine) -> None:
    """Eight administrators at the same moment: one draft; publishing it at the same moment gives one version."""

    def draft(_number: int) -> uuid.UUID:
        with catalogue.begin() as tx:
            return draft_item(tx, FOOD, actor=ME)

    def publish(version: uuid.UUID) -> int:
        with catalogue.begin() as tx:
            return publish_item(tx, version, actor=ME)

    with ThreadPoolExecutor(8) as pool:
        drafts = set(pool.map(draft, range(8)))
        assert len(drafts) == 1
        done = [pool.submit(publish, next(iter(drafts))) for _ in range(8)]
        outcomes = [one.result() for one in done if one.exception() is None]
        assert {type(one.exception()) for one in done} <= {type(None), Conflict}
    assert set(outcomes) == {2}
    with catalogue.begin() as tx:
        assert [one.state for one in item_versions(tx, FOOD)] == ["published", "superseded"]
