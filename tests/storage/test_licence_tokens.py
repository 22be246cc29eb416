"""Tokens in QR codes: one for one licence, and nothing near it passes."""

from __future__ import annotations

import os
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.licences.tokens import LicenceTokens

SECRET = bytes(range(32))
TOKENS = LicenceTokens(SECRET)
LICENCE = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(st.uuids())
def test_leads_to_its_licence(licence: uuid.UUID) -> None:
    """Every token is 45 letters and digits and leads back to the licence it was made for."""
    token = TOKENS.make(licence)
    assert len(token) == 45
    assert set(token) <= set(ALPHABET)
    assert TOKENS.read(token) == licence
    assert TOKENS.make(licence) == token


def test_typed_by_hand() -> None:
    """Lower case, groups, and letters that look like digits are the same token."""
    token = TOKENS.make(LICENCE)
    groups = "-".join(token[at : at + 5] for at in range(0, 45, 5))
    typed = token.lower().replace("0", "o").replace("1", "l")
    assert TOKENS.read(groups) == TOKENS.read(typed) == TOKENS.read(f" {token} ") == LICENCE


def test_every_altered_letter_is_refused() -> None:
    """No single letter can be another one."""
    token = TOKENS.make(LICENCE)
    for at, letter in enumerate(token):
        for other in ALPHABET:
            if other != letter:
                assert TOKENS.read(token[:at] + other + token[at + 1 :]) is None


@pytest.mark.parametrize("length", range(45))
def test_shorter_is_refused(length: int) -> None:
    """Every beginning of a token is refused."""
    assert TOKENS.read(TOKENS.make(LICENCE)[:length]) is None


@pytest.mark.parametrize(
    "token",
    [
        TOKENS.make(LICENCE) + "0",
        TOKENS.make(LICENCE) * 2,
        "0" * 45,
        "",
        "é" * 45,
        "U" * 45,
        "0" * 100_000,
        "\0" * 45,
    ],
)
def test_other_words_are_refused(token: str) -> None:
    """Longer ones, empty ones, huge ones, other alphabets."""
    assert TOKENS.read(token) is None


def test_the_next_licence_cannot_be_reached() -> None:
    """The authenticator of one licence does not fit another, not even the one numbered next."""
    mine = TOKENS.make(LICENCE)
    next_one = TOKENS.make(uuid.UUID(int=LICENCE.int + 1))
    assert TOKENS.read(next_one[:26] + mine[26:]) is None


def test_another_hub_is_a_stranger() -> None:
    """A token of another secret is refused; a short secret is no secret."""
    assert LicenceTokens(os.urandom(32)).read(TOKENS.make(LICENCE)) is None
    with pytest.raises(ValueError, match="32 bytes"):
        LicenceTokens(b"short")


@given(st.text(max_size=130))
def test_any_text_may_come(text: str) -> None:
    """Whatever is typed: an answer, never an error."""
    assert TOKENS.read(text) is None
