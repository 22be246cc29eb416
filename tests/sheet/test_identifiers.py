"""Check digits, against published and synthetic values, and what they promise to find."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import identifiers as ids

USCCS = [
    "11370100MB00000194",
    "12370100495400013J",
    "91370102MA3C00011F",
    "91370102MA3C0002X7",
    "92370103MA3K00027G",
]
USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TYPE, ISSUER = "11370100MB00000194001", "11370100MB00000194"


@pytest.mark.parametrize("code", USCCS)
def test_good_usccs(code: str) -> None:
    """The synthetic codes of all kinds of bodies pass both checks."""
    assert ids.uscc_fault(code) is None
    assert ids.uscc_warning(code) is None
    assert ids.organisation_code_fault(code[8:17]) is None


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("11370100MB0000019", "18 位，现为 17 位"),
        ("", "现为 0 位"),
        ("11370100MB00000190", "应为“4”，现为“0”"),
        ("11370100MBO0000194", "不会出现字符“O”"),
        ("1137O100MB00000194", "不会出现字符“O”"),
        ("113A0100MB00000194", "第 3 至 8 位"),
        ("１１370100MB00000194", "不会出现字符"),
    ],
)
def test_bad_usccs_say_why(code: str, said: str) -> None:
    """A wrong code gets its cause, and the check character that would be right."""
    assert said in str(ids.uscc_fault(code))


def test_every_single_wrong_character_of_a_uscc_is_found() -> None:
    """GB 32100 promises it: all 18 × 30 substitutions fail."""
    for code in USCCS:
        for i in range(18):
            for char in USCC_LETTERS:
                if char != code[i]:
                    assert ids.uscc_fault(code[:i] + char + code[i + 1 :]) is not None


def test_every_swap_of_unequal_neighbours_in_a_uscc_is_found() -> None:
    """The weights are different powers of 3 modulo a prime, so a swap always shows."""
    for code in USCCS:
        for i in range(17):
            if code[i] != code[i + 1]:
                assert ids.uscc_fault(code[:i] + code[i + 1] + code[i] + code[i + 2 :]) is not None


@given(st.text(USCC_LETTERS, min_size=17, max_size=17), st.integers(0, 16), st.integers(1, 30))
def test_uscc_check_changes_with_any_character(body: str, place: int, step: int) -> None:
    """For any body, another character means another check character."""
    other = USCC_LETTERS[(USCC_LETTERS.index(body[place]) + step) % 31]
    assert ids.uscc_check_char(body) != ids.uscc_check_char(body[:place] + other + body[place + 1 :])


def test_inner_organisation_code_only_warns() -> None:
    """A USCC with a wrong inner code is accepted, with a doubt."""
    body = "11370100MB0000018"
    code = body + ids.uscc_check_char(body)
    assert ids.uscc_fault(code) is None
    assert "应为“9”，现为“8”" in str(ids.uscc_warning(code))


@pytest.mark.parametrize("number", ["990101199001010019", "11010519491231002X", "34052419800101001X"])
def test_good_citizen_numbers(number: str) -> None:
    """The published samples and the synthetic one verify."""
    assert ids.citizen_number_fault(number) is None


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("990101199001010018", "应为“9”，现为“8”"),
        ("99010119900101001x", "17 位数字加 1 位校验码"),
        ("990101199002300019", "不是有效的出生日期"),
        ("990101900101001", "现为 15 位"),
        ("990101********0019", "被遮盖"),
        ("990101170001010019", "不可能"),
    ],
)
def test_bad_citizen_numbers_say_why_without_repeating_them(number: str, said: str) -> None:
    """The cause is given; the number itself never is."""
    fault = str(ids.citizen_number_fault(number))
    assert said in fault
    assert number not in fault


def test_a_birth_after_today_is_impossible() -> None:
    """With a clock handed in, nobody is born tomorrow."""
    body = "99010120300101001"
    number = body + ids.citizen_check_char(body)
    assert ids.citizen_number_fault(number) is None
    assert "不可能" in str(ids.citizen_number_fault(number, today=date(2026, 1, 1)))


def test_every_slip_of_one_digit_or_two_neighbours_in_a_citizen_number_is_found() -> None:
    """ISO 7064 MOD 11-2 promises both."""
    good = "990101199001010019"
    for i in range(18):
        for char in "0123456789X":
            if char != good[i]:
                assert ids.citizen_number_fault(good[:i] + char + good[i + 1 :]) is not None
    for i in range(17):
        if good[i] != good[i + 1]:
            assert ids.citizen_number_fault(good[:i] + good[i + 1] + good[i] + good[i + 2 :]) is not None


@pytest.mark.parametrize(
    ("number", "shown"),
    [("11010519491231002X", "110105********002X"), ("E12345678", "E1*****78"), ("AB1", "***"), ("", "")],
)
def test_masking(number: str, shown: str) -> None:
    """First six and last four of a long number; a short one keeps less; none is shown whole."""
    assert ids.mask_document(number) == shown


def test_licence_identifier_known_answers() -> None:
    """The two synthetic vectors of the reference."""
    for version, check in ((1, "1"), (2, "0")):
        whole = ids.licence_identifier(TYPE, ISSUER, "DEMO20260000001", version)
        assert whole == f"1.2.156.3005.2.{TYPE}.{ISSUER}.DEMO20260000001.00{version}.{check}"
        assert ids.licence_identifier_fault(whole) is None


@given(st.text(LETTERS, min_size=1, max_size=32), st.integers(1, 999), st.data())
def test_every_slip_in_a_licence_identifier_is_found(serial: str, version: int, data: st.DataObject) -> None:
    """GB/T 17710 MOD 37,36 promises every substitution and every swap of neighbours."""
    whole = ids.licence_identifier(TYPE, ISSUER, serial, version)
    prefix = len(ids.LICENCE_ROOT) + 1
    place = data.draw(st.integers(prefix, len(whole) - 1).filter(lambda i: whole[i] != "."))
    other = data.draw(st.sampled_from(LETTERS).filter(lambda char: char != whole[place]))
    assert ids.licence_identifier_fault(whole[:place] + other + whole[place + 1 :]) is not None
    body = whole[prefix:].replace(".", "")
    i = data.draw(st.integers(0, len(body) - 3))
    if body[i] != body[i + 1]:
        assert ids.licence_check_char(body[:i] + body[i + 1] + body[i] + body[i + 2 : -1]) != body[-1]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("1137", ISSUER, "1", 1), "21 位"),
        ((TYPE, "", "1", 1), "颁发机构代码"),
        ((TYPE, ISSUER, "a.b", 1), "流水号"),
        ((TYPE, ISSUER, "1" * 33, 1), "流水号"),
        ((TYPE, ISSUER, "1", "1"), "版本号"),
    ],
)
def test_parts_that_cannot_stand_in_an_identifier(parts: tuple[str, str, str, str | int], said: str) -> None:
    """A part of the wrong shape is refused by name."""
    with pytest.raises(ValueError, match=said):
        ids.licence_identifier(*parts)


@pytest.mark.parametrize("text", ["", "1.2.156", "1.2.156.3005.2.a.b.c.d.e", "1.2.156.3005.2.A.B.C.001.12"])
def test_what_is_no_licence_identifier(text: str) -> None:
    """Other shapes are named, never a crash."""
    assert ids.licence_identifier_fault(text)
