"""What an HTTP system took is read back in a rehearsal, where it was set how."""

from __future__ import annotations

import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import AdapterUnavailable, Misconfigured
from tests.adapters.counterpart import outgoing, record
from tests.connectors.adapters import pki
from tests.connectors.adapters.http_system import as_json
from tests.connectors.adapters.test_http import OUT, HttpCounterpart


def test_what_was_sent_in_a_rehearsal_is_read_back(tmp_path: Path) -> None:
    """Claim: by its key, by the number that the other side answered, or out of the answer itself, as it was set; what is not
    there is none, what is another is given as it is, an error is never taken for an answer; unset, nothing is asked."""
    ca = pki.authority()
    batch = [outgoing(record(1)), outgoing(record(2, amount="7.10"))]

    def found(**how: str) -> Any:
        counterpart = HttpCounterpart(tmp_path, ca, {**OUT, **how})
        system = counterpart.system
        try:
            system.answers = {
                "/receive": lambda call: as_json(
                    {"code": 0, "data": {"no": 9, "row": json.loads(call.body)["data"]}}
                ),
                "/records/k-00001": lambda _: as_json({"code": 0, "data": {**record(1), "amount": 1.5}}),
                "/records/9": lambda _: as_json([record(1)]),
                "/records/c-k-00001": lambda _: as_json({"code": 1}, 500),
                "/records/k-00002": lambda _: as_json({"msg": "gone"}, 404),
            }
            with closing(counterpart.open(sandbox=True)) as adapter:
                assert adapter.deliver(batch) == [None, None]
                return adapter.found(batch)
        finally:
            counterpart.close()

    assert found() is None
    by_key = found(read_back_path="/records/{key}", read_back_field="data")
    assert by_key == [{**record(1), "amount": Decimal("1.5")}, None]
    by_number = found(read_back_path="/records/{id}", read_back_id="data.no")
    assert by_number == [record(1), record(1)]
    assert found(read_back_path="/records/{id}", read_back_id="data.other") == [None, None]
    assert found(read_back_field="data.row") == [record(1), record(2, amount="7.10")]
    with pytest.raises(AdapterUnavailable, match="500"):
        found(read_back_path="/records/{subject}")
    with pytest.raises(Misconfigured, match="编号字段"):
        found(read_back_path="/records/{id}")
