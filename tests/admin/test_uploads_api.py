"""The upload API: pieces, truth after a broken connection, rights, every error a sentence in JSON."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.admin.conftest import Hub
from tests.admin.taking import Client, a_case, may_take
from tests.storage import intake_samples as samples


@pytest.fixture(scope="module")
def taking(hub: Hub) -> Hub:
    may_take(hub)
    return hub


@pytest.fixture
def clerk(taking: Hub, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]) -> Client:
    return Client(as_user("clerk"), csrf("clerk"))


@pytest.fixture
def case(taking: Hub) -> tuple[str, uuid.UUID]:
    """A case being prepared, and its line for the application (no fields)."""
    return a_case(taking)


def test_a_file_becomes_a_material(clerk: Client, case: tuple[str, uuid.UUID], taking: Hub) -> None:
    """What is sent whole is checked, stored sealed and stands on the case as a pending material."""
    data = samples.pdf(secrets.token_hex(8))
    said = clerk.send(*case, data)
    assert said["state"] == "stored", said
    assert said["known"] is None
    with taking.engine.connect() as tx:
        row = tx.execute(text("SELECT * FROM materials WHERE id = :id"), {"id": said["material_id"]}).one()
    assert (row.state, row.media_type, row.signature_state, row.scan_state) == (
        "pending",
        "application/pdf",
        "none",
        "not_configured",
    )
    assert row.name == "申请书.pdf"


def test_the_truth_after_a_broken_connection(clerk: Client, case: tuple[str, uuid.UUID]) -> None:
    """A wrong offset is answered with how much there is; sending on from there gives the whole file."""
    data = samples.pdf(secrets.token_hex(8))
    upload = clerk.begin(*case, len(data)).get_json()["id"]
    assert clerk.piece(upload, 0, data[:100]).get_json() | {"name": ""} == {
        **clerk.client.get(f"/uploads/{upload}").get_json(),
        "name": "",
    }
    for wrong in (0, 50, 101, len(data)):
        answer = clerk.piece(upload, wrong, b"x")
        assert (answer.status_code, answer.get_json()["received"]) == (409, 100)
    assert clerk.piece(upload, 100, data[100:]).status_code == 200
    assert clerk.settled(upload)["state"] == "stored"
    late = clerk.piece(upload, len(data), b"x")
    assert (late.status_code, late.get_json()["received"]) == (409, len(data))


def test_more_than_announced_is_refused(clerk: Client, case: tuple[str, uuid.UUID]) -> None:
    """One byte more than was announced is a sentence, and nothing of the surplus is kept."""
    data = samples.pdf(secrets.token_hex(8))
    upload = clerk.begin(*case, len(data)).get_json()["id"]
    answer = clerk.piece(upload, 0, data + b"\n")
    assert answer.status_code == 422
    assert "比说好的长" in answer.get_json()["error"]
    assert clerk.client.get(f"/uploads/{upload}").get_json()["received"] <= len(data)


def test_a_piece_larger_than_a_chunk_is_refused(clerk: Client, case: tuple[str, uuid.UUID]) -> None:
    """Pieces are at most a chunk, whatever the file's size: memory and time of a request are bounded."""
    upload = clerk.begin(*case, 20 << 20).get_json()["id"]
    answer = clerk.piece(upload, 0, bytes((8 << 20) + 1))
    assert answer.status_code == 413
    assert answer.get_json()["error"]


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("a.exe", 10, "只收"),
        ("a.zip", 10, "只收"),
        ("a.txt", 10, "只收"),
        ("noending", 10, "扩展名"),
        ("..", 10, "扩展名"),
        (".pdf", 10, "扩展名"),
        ("a.pdf", 0, "空文件"),
        ("a.pdf", -5, "空文件"),
        ("a.pdf", 3 << 30, "上限 2 GB"),
    ],
)
def test_refused_before_the_first_byte(
    clerk: Client, case: tuple[str, uuid.UUID], name: str, size: int, said: str
) -> None:
    """By name and size alone, with a sentence."""
    answer = clerk.begin(*case, size, name)
    assert answer.status_code == 422
    assert said in answer.get_json()["error"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\Users\\x\\执照.pdf", "执照.pdf"),
        ("../../etc/执照.pdf", "执照.pdf"),
        ("执\u202efdp.exe.pdf", "执fdp.exe.pdf"),
        ("a\x00b\n.pdf", "ab.pdf"),
        ("长" * 300 + ".pdf", "长" * 116 + ".pdf"),
        ("  两  格 .pdf", "两 格 .pdf"),
    ],
)
def test_the_clients_name_is_not_trusted(
    clerk: Client, case: tuple[str, uuid.UUID], given: str, kept: str
) -> None:
    """Path parts, control characters, marks that turn the writing, and endless names are gone."""
    assert clerk.begin(*case, 10, given).get_json()["name"] == kept


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {"case_no": 5},
        {"case_no": "x", "requirement_id": "y", "file_name": "a.pdf", "size": 1},
        {"case_no": "x", "requirement_id": str(uuid.uuid4()), "file_name": "a.pdf", "size": "1"},
        {"case_no": "x", "requirement_id": str(uuid.uuid4()), "file_name": "a.pdf", "size": True},
        {"case_no": "x", "requirement_id": str(uuid.uuid4()), "file_name": "a.pdf", "size": 1, "fields": 5},
        {"case_no": "x", "requirement_id": str(uuid.uuid4()), "file_name": "a.pdf", "size": 1},
    ],
)
def test_nonsense_is_a_sentence(clerk: Client, said: object) -> None:
    """Whatever is sent instead of an announcement."""
    answer = clerk.client.post("/uploads/", json=said, headers=clerk.headers)
    assert answer.status_code in (404, 422)
    assert answer.get_json()["error"].endswith("。")


def test_a_line_of_another_item(clerk: Client, case: tuple[str, uuid.UUID], taking: Hub) -> None:
    """A line that this case's version does not have is not found."""
    with taking.engine.connect() as tx:
        other = tx.execute(
            text(
                "SELECT r.id FROM requirements r JOIN item_versions v ON v.id = r.version_id"
                " WHERE v.item_code <> 'XK-001' LIMIT 1"
            )
        ).scalar_one()
    assert clerk.begin(case[0], other, 10).status_code == 404


def test_fields_are_checked_and_sealed(clerk: Client, taking: Hub) -> None:
    """Wrong values are told one by one; a person's number never stands in the open, not even while it is on its way."""
    case_no, line = a_case(taking, "M02")
    wrong = clerk.begin(case_no, line, 10, fields={"legal_number": "990101199001010010"})
    assert wrong.status_code == 422
    assert set(wrong.get_json()["fields"]) == {"legal_name", "legal_number"}
    number = "990101199001010019"
    data = samples.pdf(secrets.token_hex(8))
    said = clerk.send(case_no, line, data, fields={"legal_name": "张三", "legal_number": number})
    assert said["state"] == "stored", said
    with taking.engine.connect() as tx:
        kept = tx.execute(
            text(
                "SELECT m.fields::text, u.fields::text FROM materials m"
                " JOIN uploads u ON u.material_id = m.id WHERE m.id = :id"
            ),
            {"id": said["material_id"]},
        ).one()
    assert all(number not in text_ and "张三" in text_ for text_ in kept)


def test_refused_for_what_is_inside(clerk: Client, case: tuple[str, uuid.UUID], taking: Hub) -> None:
    """A file that is not what it says ends refused, with the sentence, without a material and without its bytes."""
    said = clerk.send(*case, samples.image(), "申请书.pdf")
    assert (said["state"], said["material_id"]) == ("refused", None)
    assert "PNG 图片" in said["refusal"]
    spool = taking.app.extensions["shenguan"].config.intake.spool
    assert not spool.path(uuid.UUID(said["id"])).exists()
    with taking.engine.connect() as tx:
        assert (
            tx.execute(
                text("SELECT reason FROM ledger WHERE action = 'upload.refused' AND subject = :s"),
                {"s": f"upload:{said['id']}"},
            ).scalar_one()
            == said["refusal"]
        )


def test_the_same_content_again_is_recognised(clerk: Client, taking: Hub) -> None:
    """Under another name, on another case of the same party: stored once, and told where it is on file."""
    data = samples.pdf(secrets.token_hex(8))
    first_case, line = a_case(taking)
    first = clerk.send(first_case, line, data, "甲.pdf")
    again = clerk.send(*a_case(taking), data, "乙.pdf")
    assert (again["state"], again["known"]) == ("stored", {"case_no": first_case, "name": "甲.pdf"})
    with taking.engine.connect() as tx:
        rows = tx.execute(
            text("SELECT DISTINCT sha256 FROM materials WHERE id IN (:a, :b)"),
            {"a": first["material_id"], "b": again["material_id"]},
        ).all()
        assert len(rows) == 1
    twice = clerk.send(first_case, line, data, "甲.pdf")
    assert twice["material_id"] == first["material_id"]


def test_giving_up(clerk: Client, case: tuple[str, uuid.UUID], taking: Hub) -> None:
    """A broken off upload is gone with its bytes; a stored one leaves the case being prepared. Twice is once."""
    spool = taking.app.extensions["shenguan"].config.intake.spool
    upload = clerk.begin(*case, 100).get_json()["id"]
    clerk.piece(upload, 0, b"half")
    for _ in range(2):
        answer = clerk.client.delete(f"/uploads/{upload}", headers=clerk.headers)
        assert (answer.status_code, answer.get_json()["state"]) == (200, "abandoned")
    assert not spool.path(uuid.UUID(upload)).exists()
    assert clerk.piece(upload, 4, b"x").status_code == 409
    stored = clerk.send(*case, samples.pdf(secrets.token_hex(8)))
    for _ in range(2):
        assert clerk.client.delete(f"/uploads/{stored['id']}", headers=clerk.headers).status_code == 200
    with taking.engine.connect() as tx:
        assert (
            tx.execute(
                text("SELECT state FROM materials WHERE id = :id"), {"id": stored["material_id"]}
            ).scalar_one()
            == "discarded"
        )


def test_a_detached_signature_comes_first(clerk: Client, case: tuple[str, uuid.UUID]) -> None:
    """A .p7s is kept until the last byte, after it there is a sentence; one that is none makes the file refused."""
    data = samples.pdf(secrets.token_hex(8))
    upload = clerk.begin(*case, len(data)).get_json()["id"]
    put = clerk.client.put(f"/uploads/{upload}/signature", data=b"no signature", headers=clerk.headers)
    assert put.status_code == 200
    clerk.piece(upload, 0, data)
    said = clerk.settled(upload)
    assert said["state"] == "refused"
    assert "签名无效" in said["refusal"]
    late = clerk.client.put(f"/uploads/{upload}/signature", data=b"x", headers=clerk.headers)
    assert late.status_code == 409


def test_only_who_may_and_only_their_own(
    clerk: Client,
    case: tuple[str, uuid.UUID],
    taking: Hub,
    as_user: Callable[[str], FlaskClient],
    csrf: Callable[[str], str],
) -> None:
    """Without the right 403, without the token 400, without a session 401, another clerk's upload 404: all in JSON."""
    upload = clerk.begin(*case, 100).get_json()["id"]
    overseer = Client(as_user("overseer"), csrf("overseer"))
    assert overseer.begin(*case, 100).status_code == 403
    assert overseer.client.get(f"/uploads/{upload}").status_code == 403
    assert clerk.client.post("/uploads/", json={}).status_code == 400
    nobody = Client(taking.app.test_client(), "x")
    for answer in (
        nobody.begin(*case, 100),
        nobody.piece(upload, 0, b"x"),
        nobody.client.get(f"/uploads/{upload}"),
    ):
        assert answer.status_code == 401
        assert "登录" in answer.get_json()["error"]
    may_take(taking, "approver")
    other = Client(as_user("approver"), csrf("approver"))
    assert other.piece(upload, 0, b"x").status_code == 404
    assert other.client.delete(f"/uploads/{upload}", headers=other.headers).status_code == 404


def test_a_lost_spool_is_asked_for_again(clerk: Client, case: tuple[str, uuid.UUID], taking: Hub) -> None:
    """What the spool lost is sent again; nothing pretends to be there."""
    spool = taking.app.extensions["shenguan"].config.intake.spool
    data = samples.pdf(secrets.token_hex(8))
    upload = clerk.begin(*case, len(data)).get_json()["id"]
    clerk.piece(upload, 0, data[:200])
    with spool.path(uuid.UUID(upload)).open("r+b") as file:
        file.truncate(50)
    assert clerk.client.get(f"/uploads/{upload}").get_json()["received"] == 50
    assert clerk.piece(upload, 200, data[200:]).get_json()["received"] == 50
    clerk.piece(upload, 50, data[50:])
    assert clerk.settled(upload)["state"] == "stored"


def test_for_the_department_one_sits_for(clerk: Client, case: tuple[str, uuid.UUID]) -> None:
    """Nobody takes files on a case that another department handles, or before they have said for whom they work."""
    with clerk.client.session_transaction() as kept:
        kept["workbench_department"] = "wjw"
    try:
        other = clerk.begin(*case, 10)
        assert (other.status_code, "不由本部门办理" in other.get_json()["error"]) == (403, True)
        with clerk.client.session_transaction() as kept:
            del kept["workbench_department"]
        assert clerk.begin(*case, 10).status_code == 403
    finally:
        with clerk.client.session_transaction() as kept:
            kept["workbench_department"] = "xzsp"
