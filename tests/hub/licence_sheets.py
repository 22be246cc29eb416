"""Sheets of licences for tests; only synthetic people and bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.identifiers import citizen_check_char, licence_identifier

TYPE = "11370100MB00000194001"
ISSUER = "11370100MB00000194"
NATIONAL = (
    "certificateIdentifier",
    "certificateName",
    "certificateTypeCode",
    "certificateNumber",
    "certificateVersion",
    "issueDept",
    "issueDeptCode",
    "issueDate",
    "certificateValidateStart",
    "certificateValidateEnd",
    "certificateHolder",
    "certificateHolderCode",
    "certificateHolderTypeCode",
    "certificateAreaCode",
    "relatedItemName",
    "extendInfo",
    "status",
    "statusDescription",
)


def citizen(number: int) -> str:
    """A citizen number of a district that does not exist."""
    first = f"990101{1950 + number % 50}{1 + number % 12:02d}{1 + number % 28:02d}{number % 1000:03d}"
    return first + citizen_check_char(first)


def foreign(number: int, **changes: Any) -> dict[str, str]:
    """Another authority's licence under national names."""
    return {
        "certificateIdentifier": licence_identifier(TYPE, ISSUER, f"DEMO{number:08d}"),
        "certificateName": "食品经营许可证",
        "certificateTypeCode": TYPE,
        "certificateNumber": f"JY99{number:08d}",
        "certificateVersion": "001",
        "issueDept": "示范县行政审批服务局",
        "issueDeptCode": ISSUER,
        "issueDate": "20250601",
        "certificateValidateStart": "20250601",
        "certificateValidateEnd": "20300531",
        "certificateHolder": f"测试第{number}食品店",
        "certificateHolderCode": citizen(number),
        "certificateHolderTypeCode": "111",
        "certificateAreaCode": "990101",
        "relatedItemName": "食品经营许可",
        "extendInfo": '{"经营范围":"预包装食品销售"}',
        "status": "01",
        "statusDescription": "",
        **changes,
    }


def sheet(rows: Sequence[dict[str, str]], names: Sequence[str] = NATIONAL) -> list[tuple[int, list[str]]]:
    """(row number, cells), the heading first."""
    return [(1, list(names)), *((at, [row.get(n, "") for n in names]) for at, row in enumerate(rows, 2))]
