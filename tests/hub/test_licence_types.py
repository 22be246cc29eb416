"""Licence types: drafts, saving, publishing, withdrawing, pictures; by the same promises as material types."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import IntegrityError

from hub.add_material import StoredFacts
from hub.catalogue.faults import Faulty
from hub.catalogue.history import history
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.licence_types import change_licence_type
from hub.errors import Conflict, NotFound, Rejected
from hub.licensing.issuing.number import reserve_numbers
from hub.licensing.issuing.order import Issuer
from hub.licensing.types.draft_licence_type import discard_licence_type_draft
from hub.licensing.types.licence_images import MOST_IMAGES, add_image, images_of
from hub.licensing.types.publish_licence_type import (
    compared_licence_types,
    licence_type_versions,
    publish_licence_type,
    publish_warnings,
    withdraw_licence_type,
)
from hub.licensing.types.published_type import numbered_licence_type, published_licence_type
from hub.licensing.types.save_licence_type import Standing, save_licence_type, standing_licence_type
from tests.hub.licence_builders import FIELDS, ISSUER, LAYOUT, RULES, TODAY, TYPE, a_type

ACTOR = "user:editor"


def _standing(tx: Connection, code: str = TYPE) -> Standing:
    return standing_licence_type(
        tx, tx.execute(select(*LicenceType.__table__.c).where(LicenceType.code == code)).one()
    )


def _picture(number: int) -> StoredFacts:
    return StoredFacts(hashlib.sha256(b"%d" % number).digest(), f"files/{number}", 10, b"key")


def test_a_type_begins_with_what_its_code_says(engine: Engine) -> None:
    """Its name, and the definer in the first 18 characters of its code."""
    with engine.begin() as tx:
        tx.execute(insert(LicenceType).values(code=TYPE, name="示范证"))
        now = _standing(tx)
    assert (now.version_id, now.state) == (None, "")
    assert (now.rules["name"], now.rules["definer_code"]) == ("示范证", TYPE[:18])


def test_save_publish_and_save_again(engine: Engine) -> None:
    """A published version stays as it is; the next is drafted from it; licences are issued by the published one."""
    with engine.begin() as tx:
        a_type(tx)
        first = published_licence_type(tx, TYPE)
        draft = save_licence_type(tx, TYPE, {"rules": {"warn_days": 60}}, actor=ACTOR)
        assert published_licence_type(tx, TYPE).rules.warn_days == 30
        assert _standing(tx).fields == _standing(tx).fields != []
        assert publish_licence_type(tx, draft, actor=ACTOR) == 2
        assert publish_licence_type(tx, draft, actor=ACTOR) == 2  # twice is once
        again = published_licence_type(tx, TYPE)
    assert (first.number, again.number, again.rules.warn_days) == (1, 2, 60)
    assert (again.layout, again.fields) == (first.layout, first.fields)
    with engine.begin() as tx:
        assert numbered_licence_type(tx, TYPE, 1) == first
        assert [(one.number, one.state) for one in licence_type_versions(tx, TYPE)] == [
            (2, "published"),
            (1, "superseded"),
        ]
        versions = {one.number: one.id for one in licence_type_versions(tx, TYPE)}
        found = compared_licence_types(tx, versions[1], versions[2])
        actions = [row.action for row in history(tx, f"licence_type:{TYPE}")]
    assert [(one.part, one.field, one.before, one.after) for one in found] == [
        ("header", "warn_days", 30, 60)
    ]
    assert actions.count("licence_type.published") == 2
    with pytest.raises(IntegrityError), engine.begin() as tx:
        tx.execute(text("UPDATE licence_type_versions SET rules = '{}' WHERE number = 1"))


def test_changes_of_a_layout_are_told_by_element(engine: Engine) -> None:
    """Moved, added, removed: each says which element."""
    elements = [dict(one) for one in LAYOUT["elements"] if one["id"] != "seal"]
    elements[1] |= {"x": 31}
    elements.append({"id": "new", "kind": "rect", "x": 1, "y": 1, "w": 5, "h": 5})
    with engine.begin() as tx:
        a_type(tx)
        published = _standing(tx).version_id
        draft = save_licence_type(tx, TYPE, {"layout": {**LAYOUT, "elements": elements}}, actor=ACTOR)
        found = compared_licence_types(tx, published, draft)
        assert all(one.part == "layout" for one in found)
        told = {(one.line, one.field) for one in found}
        everything = compared_licence_types(tx, None, draft)
    assert told == {(elements[1]["id"], "x"), ("new", ""), ("seal", "")}
    assert {one.part for one in everything} == {"header", "layout", "fields"}


def test_faults_of_rules_and_layout_come_together(engine: Engine) -> None:
    """One save names them all and changes nothing; faults of fields come first, for the others speak of fields."""
    with engine.begin() as tx:
        tx.execute(insert(LicenceType).values(code=TYPE, name="示范证"))
        with pytest.raises(Faulty) as refused:
            save_licence_type(
                tx, TYPE, {"rules": {"name": "", "number_rule": "{x}"}, "layout": {"width": 1}}, actor=ACTOR
            )
        assert {(one.part, one.field) for one in refused.value.faults} == {
            ("rules", "name"),
            ("rules", "number_rule"),
            ("layout", "width"),
        }
        with pytest.raises(Faulty) as refused:
            save_licence_type(tx, TYPE, {"fields": [{"name": "1"}], "layout": {"width": 1}}, actor=ACTOR)
        assert {one.part for one in refused.value.faults} == {"fields"}
        assert _standing(tx).state == ""


def test_removing_a_field_that_the_face_shows_is_refused(engine: Engine) -> None:
    """The element is named."""
    with engine.begin() as tx:
        a_type(tx)
        with pytest.raises(Faulty, match="没有代号为“place”的字段"):
            save_licence_type(tx, TYPE, {"fields": FIELDS[1:]}, actor=ACTOR)


def test_two_editors(engine: Engine) -> None:
    """Who saves over what another saved meanwhile is told so."""
    with engine.begin() as tx:
        a_type(tx)
        seen = _standing(tx).stamp
        save_licence_type(tx, TYPE, {"rules": {"warn_days": 10}}, actor="user:one", seen=seen)
        with pytest.raises(Conflict, match="刚被别人改过"):
            save_licence_type(tx, TYPE, {"rules": {"warn_days": 20}}, actor="user:two", seen=seen)
        assert _standing(tx).rules["warn_days"] == 10


def test_a_draft_is_thrown_away(engine: Engine) -> None:
    """What is published stays; a published version is no draft."""
    with engine.begin() as tx:
        a_type(tx)
        published = _standing(tx).version_id
        assert published is not None
        draft = save_licence_type(tx, TYPE, {"rules": {"warn_days": 10}}, actor=ACTOR)
        discard_licence_type_draft(tx, draft, actor=ACTOR)
        assert _standing(tx).version_id == published
        with pytest.raises(Conflict, match="不能再改"):
            discard_licence_type_draft(tx, published, actor=ACTOR)
        with pytest.raises(NotFound):
            publish_licence_type(tx, draft, actor=ACTOR)


def test_withdrawn_types_issue_nothing(engine: Engine) -> None:
    """With a reason, once; publishing again brings it back."""
    with engine.begin() as tx:
        a_type(tx)
        for reason, error in (("", Rejected), ("改版", None), ("改版", Conflict)):
            if error is None:
                withdraw_licence_type(tx, TYPE, actor=ACTOR, reason=reason)
                continue
            with pytest.raises(error):
                withdraw_licence_type(tx, TYPE, actor=ACTOR, reason=reason)
        with pytest.raises(NotFound, match="没有已发布的版本"):
            published_licence_type(tx, TYPE)
        publish_licence_type(tx, save_licence_type(tx, TYPE, {}, actor=ACTOR), actor=ACTOR)
        assert published_licence_type(tx, TYPE).number == 2


def test_a_code_that_is_not_of_21_characters_is_kept_but_not_issued(engine: Engine) -> None:
    """Publishing says why."""
    with engine.begin() as tx, pytest.raises(Faulty, match="不是 GB/T 36904 的 21 位"):
        a_type(tx, "YYZZ-01", rules={"definer_code": "11370100MB00000194"})


def test_an_empty_face_is_not_published_and_a_poor_one_is_warned_of(engine: Engine) -> None:
    """No elements: refused. No QR code, seal, holder, number, days: warned of, each."""
    with engine.begin() as tx:
        tx.execute(insert(LicenceType).values(code=TYPE, name="示范证"))
        draft = save_licence_type(tx, TYPE, {"rules": RULES}, actor=ACTOR)
        with pytest.raises(Faulty, match="没有任何元素"):
            publish_licence_type(tx, draft, actor=ACTOR)
        words = {"id": "a", "kind": "text", "x": 1, "y": 1, "w": 9, "h": 9, "text": "证"}
        save_licence_type(tx, TYPE, {"fields": FIELDS, "layout": {"elements": [words]}}, actor=ACTOR)
        warned = "".join(publish_warnings(tx, draft))
        for said in ("二维码", "印章", "持证主体", "证照编号", "颁发机构", "有效期", "经营场所"):
            assert said in warned
        publish_licence_type(tx, draft, actor=ACTOR)
        save_licence_type(tx, TYPE, {"layout": LAYOUT}, actor=ACTOR)
        again = _standing(tx).version_id
        assert again is not None
        assert publish_warnings(tx, again) == []


def test_the_catalogues_name_follows_the_published_rules(engine: Engine) -> None:
    """Publishing renames the type; renaming a type that has a published version is refused, all else may change."""
    with engine.begin() as tx:
        a_type(tx)
        draft = save_licence_type(tx, TYPE, {"rules": {"name": "新名称证"}}, actor=ACTOR)
        publish_licence_type(tx, draft, actor=ACTOR)
        assert tx.scalar(select(LicenceType.name)) == "新名称证"
        with pytest.raises(Faulty, match="名称"):
            change_licence_type(tx, TYPE, {"name": "又一名称"}, actor=ACTOR)
        change_licence_type(tx, TYPE, {"consent_required": True}, actor=ACTOR)


def test_pictures_of_a_type(engine: Engine) -> None:
    """The same one is kept once; a layout may only place its own type's; there is a limit."""
    facts: dict[str, Any] = {"media_type": "image/png", "width": 10, "height": 10, "actor": ACTOR}
    with engine.begin() as tx:
        a_type(tx)
        one = add_image(tx, TYPE, _picture(1), name="底图", **facts)
        assert add_image(tx, TYPE, _picture(1), name="又一次", **facts) == one
        for wrong, error in (({"media_type": "image/gif"}, Rejected),):
            with pytest.raises(error):
                add_image(tx, TYPE, _picture(2), name="动图", **{**facts, **wrong})
        with pytest.raises(NotFound):
            add_image(tx, "nothing", _picture(2), name="底图", **facts)
        known, unknown = _picture(1).sha256.hex(), _picture(9).sha256.hex()
        save_licence_type(tx, TYPE, {"layout": {**LAYOUT, "background": known}}, actor=ACTOR)
        with pytest.raises(Faulty, match="不在本类型的图片中"):
            save_licence_type(tx, TYPE, {"layout": {**LAYOUT, "background": unknown}}, actor=ACTOR)
        draft = _standing(tx).version_id
        assert draft is not None
        publish_licence_type(tx, draft, actor=ACTOR)
        images = published_licence_type(tx, TYPE).images
        assert images[known].object_name == "files/1"
        for number in range(2, MOST_IMAGES + 1):
            add_image(tx, TYPE, _picture(number), name=str(number), **facts)
        with pytest.raises(Conflict, match="至多"):
            add_image(tx, TYPE, _picture(99), name="多了", **facts)
        assert len(images_of(tx, TYPE)) == MOST_IMAGES


def test_numbers_are_reserved_in_one_go_and_pass_over_used_ones(engine: Engine, desk: Any) -> None:
    """As many as wanted, rising; by issuer and year; a rule that ran out of digits is said."""
    issuer, other = Issuer(ISSUER, "甲", "990101"), Issuer("11370100MB0000999X", "乙", "990101")
    with engine.begin() as tx:
        a_type(tx, rules={"number_rule": "N{yyyy}-{seq:2}"})
        type_ = published_licence_type(tx, TYPE)
        assert [one.number for one in reserve_numbers(tx, type_, issuer, TODAY, 3)] == [
            "N2026-01",
            "N2026-02",
            "N2026-03",
        ]
        assert reserve_numbers(tx, type_, other, TODAY)[0].number == "N2026-01"
        later = TODAY.replace(year=2027)
        assert reserve_numbers(tx, type_, issuer, later)[0].number == "N2027-01"
        assert reserve_numbers(tx, type_, issuer, TODAY)[0].serial == "N202604"
        with pytest.raises(Conflict, match="流水号已用完"):
            reserve_numbers(tx, type_, issuer, TODAY, 100)
