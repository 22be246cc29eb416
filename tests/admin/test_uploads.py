"""Sheets uploaded in the browser: loaded in the background, bad rows listed, nothing twice."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from shenguan.sample import generate, header
from storage.spreadsheet import read_rows, write_rows
from tests.admin.conftest import Hub


def upload(client: FlaskClient, token: str, data: bytes, name: str = "导出.xlsx") -> str:
    answer = client.post("/loads/", data={"csrf_token": token, "sheet": (io.BytesIO(data), name)})
    assert answer.status_code == 302
    return str(answer.location)


def finished(client: FlaskClient, path: str) -> str:
    deadline = time.monotonic() + 60
    while True:
        page = client.get(path, headers={"HX-Request": "true"}).get_data(as_text=True)
        if "正在导入" not in page:
            return page
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_sheet_is_loaded_and_its_bad_rows_can_be_taken_away(
    hub: Hub, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str], tmp_path: Any
) -> None:
    """Good rows go in, a bad one is named with column, cause and cure; the second time nothing changes."""
    rows = list(generate(40, seed=3))
    titles = header()
    number = next(i for i, title in enumerate(titles) if "XK_JDRQ" in title or "决定日期" in title)
    rows[5][number] = "2026-02-30"
    write_rows(tmp_path / "in.xlsx", titles, rows)
    data = (tmp_path / "in.xlsx").read_bytes()
    client, token = as_user("data_admin"), csrf("data_admin")
    path = upload(client, token, data)
    page = finished(client, path)
    assert "导入完成" in page
    assert "<b>39</b>" in page
    assert "2026-02-30" in page
    result = tmp_path / "result.xlsx"
    result.write_bytes(client.get(f"{path}/result.xlsx").get_data())
    with read_rows(result) as sheet:
        listed = [cells for _, cells in sheet]
    assert listed[0] == ["行号", "列", "原因", "应为"]
    assert listed[1][0] == "7"
    again = finished(client, upload(client, token, data))
    assert "<b>39</b>" in again.split("未变")[1][:60]
    other = as_user("approver").get(path)
    assert other.status_code == 404


def test_a_file_that_is_no_sheet_is_refused_in_words(
    as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]
) -> None:
    """A picture called .xlsx, and a sheet without our columns: the job says what is wrong."""
    client, token = as_user("approver"), csrf("approver")
    page = finished(client, upload(client, token, b"\x89PNG\r\n\x1a\n" + b"0" * 300))
    assert "没有完成" in page
    page = finished(client, upload(client, token, "姓名,电话\n甲,1\n".encode(), "x.csv"))
    assert "没有找到表头" in page
    assert (
        client.post("/loads/", data={"csrf_token": token, "sheet": (io.BytesIO(b"1"), "a.xls")}).status_code
        == 302
    )
    assert "另存为 .xlsx" in client.get("/loads/").get_data(as_text=True)
