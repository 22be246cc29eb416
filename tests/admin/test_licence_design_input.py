"""Whatever an editor or a stranger sends of a design, it is read into something that can be sampled, or told in words."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admin.licensing.types.type_forms import LISTS, TEXTS, TICKS, read_design
from admin.licensing.types.type_sample import Asked, sampled
from hub.catalogue.fields import FIELD_TYPES
from hub.licensing.face import ELEMENT_KINDS
from hub.licensing.types.formats_of import BUILT_INS
from hub.licensing.types.layout import layout_dict, parse_layout

texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["approving", "fixed", "days", "months", "field", "decided", "X{yyyy}{seq:6}", "12", "中文", "f1"]
    ),
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
odd = st.one_of(texts, anything)
rules = st.dictionaries(st.sampled_from([*TEXTS, *TICKS, *LISTS]), odd, max_size=8)
fields = st.lists(
    st.one_of(
        anything,
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(["f1", "f2", "f3", ""]),
                "label": texts,
                "type": st.sampled_from(list(FIELD_TYPES)),
            }
        ),
    ),
    max_size=4,
)
numbers = st.one_of(st.floats(0, 200, allow_nan=False), st.integers(-5, 300), anything)
element = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "c", "d"]), "kind": st.sampled_from([*ELEMENT_KINDS, "script"])},
    optional={
        **dict.fromkeys(("x", "y", "w", "h", "size", "stroke"), numbers),
        "source": st.sampled_from([*BUILT_INS, "f1", "f2", "nobody"]),
        "text": texts,
        "format": texts,
        "align": odd,
        "color": odd,
        "image": odd,
    },
)
layouts = st.one_of(
    anything,
    st.fixed_dictionaries(
        {"elements": st.lists(st.one_of(element, element, anything), max_size=5)}, optional={"width": odd}
    ),
    st.fixed_dictionaries({"elements": anything}),
)
designs = st.fixed_dictionaries(
    {},
    optional={"rules": st.one_of(rules, anything), "fields": st.one_of(fields, anything), "layout": layouts},
)
words = st.dictionaries(st.sampled_from([*BUILT_INS, "f1", "f2"]), odd, max_size=4)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(said=designs, typed=words, preset=st.sampled_from(["", "long", "rare", "?"]))
def test_every_design_is_sampled_or_told(said: dict[str, Any], typed: dict[str, Any], preset: str) -> None:
    """No input crashes the sample; what is left of the layout parses again, and every fault has a sentence."""
    now = {"name": "许可证", "definer_code": "11370100MB00000194"}
    design = read_design(said, now)
    assert parse_layout(layout_dict(design.layout), design.fields) == design.layout
    assert all(fault.sentence for fault in design.faults)
    told = len(design.element_faults()) + len(design.other_faults())
    assert told >= len({(fault.part, fault.line, fault.field) for fault in design.faults})
    asked = Asked(date(2026, 11, 22), "990101", "https://hub.invalid/v/SAMPLE", preset, typed)
    face = sampled("11370100MB00000194001", design, {}, asked).face
    assert set(face.texts) == {one.id for one in design.layout.elements if one.kind in ("text", "field")}


@pytest.mark.parametrize(
    "said",
    [
        {"issuer_mode": "fixed", "issuer_code": "中文", "issuer_name": "某局"},
        {"issuer_mode": "fixed", "issuer_code": "1" * 400},
        {"issuer_mode": "nobody"},
        {"validity_kind": "months", "validity_length": ""},
        {"validity_kind": "months", "validity_length": 1200},
        {"validity_kind": "days", "validity_length": 36_500},
        {"validity_kind": "field", "validity_field": "day"},
        {"validity_kind": "field", "validity_field": "nobody"},
        {"number_rule": "京〔{yyyy}〕{seq:3}号"},
        {"number_rule": "{seq:0}"},
        {"name": ""},
    ],
)
def test_rules_that_are_half_typed_do_not_stop_the_sample(said: dict[str, Any]) -> None:
    """A wrong issuer, validity or number rule is a fault of its own; the face is filled all the same, leap day or not."""
    layout = {
        "elements": [{"id": "a", "kind": "field", "source": "$identifier", "x": 1, "y": 1, "w": 20, "h": 5}]
    }
    field = {"name": "day", "label": "到期日", "type": "date"}
    design = read_design({"rules": said, "fields": [field], "layout": layout}, {"name": "许可证"})
    asked = Asked(
        date(2028, 2, 29), "990101", "https://hub.invalid", "long", {"$holder": "某" * 20_000, "day": "不"}
    )
    found = sampled("ZZ-not-21", design, {}, asked)
    assert found.face.texts["a"].startswith("1.2.156.3005.2.")
    assert len(found.typed_faults) == 1
