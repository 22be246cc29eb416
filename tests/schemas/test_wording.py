"""Faults in both languages: the same places in the same order."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.connector.document import document_from
from schemas.connector.faults import Fault
from schemas.connector.judge import document_advice, document_faults
from tests.schemas.connector.test_kinds import FAULTY, SQL, a_document, a_flow

CHINESE = range(0x4E00, 0x9FFF)


def told(fault: Fault) -> str:
    """What a reader of English is told."""
    return fault.words_en


@pytest.mark.parametrize(("changes", "at"), FAULTY, ids=[at for _, at in FAULTY])
def test_a_fault_is_said_in_english_too(changes: dict[str, Any], at: str) -> None:
    """Claim: every fault of a document outside its mapping has its English words, without a Chinese character."""
    for fault in document_faults(a_document(**changes)):
        if ".fields[" in fault.at or fault.at.endswith((".when", ".each")):
            continue
        assert fault.words_en, fault
        assert not any(ord(one) in CHINESE for one in told(fault)), fault


@pytest.mark.parametrize(
    "settings",
    [
        SQL | {"host": ""},
        SQL | {"port": "many"},
        SQL | {"port": 70000},
        SQL | {"dialect": "oracle"},
        SQL | {"host": "x" * 300},
        SQL | {"password": "p"},
        SQL | {"colour": "red"},
        {"dialect": "mysql"},
    ],
    ids=["empty", "type", "too-large", "choice", "too-long", "secret", "unknown", "missing"],
)
def test_a_form_says_what_is_wrong_in_english_too(settings: dict[str, Any]) -> None:
    """Claim: the same of what a form is filled with; the field by its English title."""
    endpoint = {"name": "front", "kind": "sql", "settings": settings, "secrets": {"password": "sealed"}}
    faults = document_faults(a_document(endpoints=[endpoint]))
    assert faults
    for fault in faults:
        assert fault.words_en.startswith("“"), fault
        assert not any(ord(one) in CHINESE for one in told(fault)), fault


def test_advice_is_given_in_english_too() -> None:
    """Claim: and of what runs but is probably not meant."""
    document = document_from(a_document(flows=[a_flow(active=False)]))
    assert all(one.words_en.isascii() for one in document_advice(document))
