"""Fails when the migrated database is not what the models say (part of `make check`)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from hub.migrations import differences
from tests.session_parts import Owner


def main() -> int:
    owner = Owner(Path(tempfile.mkdtemp(prefix="shenguan-check-")))
    try:
        url = make_url(owner.get("postgres")["role"]).set(database=owner.get("template")["database"])
        engine = create_engine(url)
        try:
            found = differences(engine)
        finally:
            engine.dispose()
    finally:
        owner.close()
    for difference in found:
        print(f"migrations and models differ: {difference}", file=sys.stderr)
    if not found:
        print("migrations match models")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
