"""JSON and XML as systems export them."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest

from connectors.formats import Unreadable, Unwritable, Writing, write_file
from tests.connectors.formats.reading import read

NESTED = [
    {"名称": "青 <b>&", "金额": Decimal("1.10"), "列": [{"a": "1"}, {"a": "2"}], "空": None},
    {"x y": "\r\n"},
]


def test_json_in_its_three_shapes() -> None:
    """Claim: an array, one object a line, and objects over many lines say the same; no digit is lost."""
    meant = [{"a": 1, "b": Decimal("1.10")}, {"a": 2}]
    for shape in (
        '[{"a":1,"b":1.10},\n {"a":2}]',
        '{"a":1,"b":1.10}\n{"a":2}\n',
        '{\n"a":1,\n"b":1.10}{"a":2}',
    ):
        assert read("json", shape) == meant
        assert read("json", b"\xef\xbb\xbf" + shape.encode()) == meant


def test_a_broken_line_of_json_costs_one_line() -> None:
    """Claim: the lines after it come; an array that breaks off says so behind what came before."""
    rows = read("json", '{"a":1}\n{"a":,}\n["b"]\n{"a":NaN}\n{"a":3}\n')
    assert [row for row in rows if isinstance(row, dict)] == [{"a": 1}, {"a": 3}]
    assert len(rows) == 5
    rows = read("json", '[{"a":1},{"a":2},{"a"')
    assert rows[:2] == [{"a": 1}, {"a": 2}]
    assert "完整" in rows[2]


def test_a_list_inside_an_object_is_found_where_it_was_said_to_be() -> None:
    """Claim: told where, its elements come; not told, that is the advice; told wrongly, the file is refused."""
    content = '{"code":0,"data":{"rows":[{"a":1},{"a":2}]}}'
    assert read("json", content, records_at="data.rows") == [{"a": 1}, {"a": 2}]
    assert "数据所在位置" in read("json", '{"rows":[{"a":1}]}')[0]
    with pytest.raises(Unreadable, match=r"没有“data\.list”"):
        read("json", content, records_at="data.list")


def test_many_objects_are_cut_rightly() -> None:
    """Claim: wherever the pieces that are read end, every object comes once and whole."""
    lines = "".join(f'{{"n":{n},"t":"{"长" * (n % 97)}}}{{"}}\n' for n in range(3000))
    assert [row["n"] for row in read("json", lines)] == list(range(3000))
    array = "[" + ",".join(lines.splitlines()) + "]"
    assert [row["n"] for row in read("json", array)] == list(range(3000))


def test_an_endless_object_is_refused() -> None:
    """Claim: an object of more than a megabyte is a fault, not a full memory."""
    assert "超过" in read("json", '{"a":"' + "x" * 2_000_000)[0]


@pytest.mark.parametrize("kind", ["json", "xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_what_is_written_is_read_as_it_was(kind: str, encoding: str) -> None:
    """Claim: lists, markup, line ends and odd names come back; numbers in the form that the format has for them."""
    file = io.BytesIO()
    write_file(file, kind, (), NESTED, Writing(encoding=encoding))
    first, second = read(kind, file.getvalue())
    assert (first["名称"], str(first["金额"]), first["列"]) == ("青 <b>&", "1.10", [{"a": "1"}, {"a": "2"}])
    assert second == {"x y": "\r\n"}


def test_xml_elements_attributes_and_namespaces() -> None:
    """Claim: children, attributes and repeated elements are fields; namespaces are left out of their names."""
    content = '<r xmlns="urn:x"><head/><rec id="7"><n>1</n><n>2</n><sub><k>v</k></sub>&#20013;</rec></r>'
    assert read("xml", content, record_element="rec") == [{"@id": "7", "n": ["1", "2"], "sub": {"k": "v"}}]
    assert read("xml", content)[0] == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]><a><b>&z;</b></a>', "DTD"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a><b/></a>', "DTD"),
        ("<a>" * 100, "层次"),
        ("<a><b>" + "x" * (9 << 20) + "</b></a>", "8 MB"),
        ("{}", "不是 XML"),
        ("", "不是 XML|空的"),
        ('<?xml version="1.0" encoding="no-such"?><a/>', "不是 XML"),
    ],
)
def test_bombs_are_refused(content: str, words: str) -> None:
    """Claim: entities, depth, size and what is no XML at all are refused with words, nothing is expanded or fetched."""
    with pytest.raises(Unreadable, match=words):
        read("xml", content)


def test_xml_that_breaks_off_says_so_behind_its_records() -> None:
    """Claim: what was whole comes, then why the rest does not."""
    assert read("xml", "<a><b><n>1</n></b><b><n>")[0] == {"n": "1"}
    assert "断了" in read("xml", "<a><b><n>1</n></b><b><n>")[1]


def test_gbk_xml_is_read() -> None:
    """Claim: the declaration is believed, GB18030 included, which the parser itself does not know; damage has its place."""
    content = '<?xml version="1.0" encoding="GBK"?><根><行><名称>青禾</名称></行></根>'
    assert read("xml", content.encode("gb18030")) == [{"名称": "青禾"}]
    with pytest.raises(Unreadable, match="字节"):
        read("xml", content.encode("gb18030") + b"\xff\xff")


def test_control_characters_cannot_be_written_as_xml() -> None:
    """Claim: no reader would take them: refused with words."""
    with pytest.raises(Unwritable, match="控制字符"):
        write_file(io.BytesIO(), "xml", (), [{"a": "\x0b"}], Writing())
