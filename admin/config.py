"""What the admin is given by whoever starts it. Nothing in `admin` reads the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.ports import Desk


@dataclass(frozen=True, slots=True)
class AdminConfig:
    """Handed to `create_app`; a value, so a test can build one in a line."""

    database_url: str
    web_secret: str
    desk: Desk
    area_name: str = "示范县"
    files: Any = None  # storage.files.FileStore; None: this hub keeps no files
    intake: Any = None  # storage.intake.finish.Intake; None: nothing is taken in here
    store_check: Callable[[], None] | None = None  # raises where the object store does not answer
    press: Any = None  # hub.licensing.ports.Press; None: this hub prints no licences
    tokens: Any = None  # hub.licensing.ports.Tokens, of QR codes
    inspector: Any = None  # hub.licensing.ports.Inspector, of files that are brought to be checked
    broker_address: str | None = None  # host:port, only to see whether it answers, and for the trust bundle
    hub_keys: Mapping[str, str] = field(default_factory=dict)  # kid -> public PEM
    heads: Any = None  # the ledger's HeadStore; None: the health page does not look at it
    cookie_secure: bool = False
    trusted_proxies: int = 0  # that add the caller's address to X-Forwarded-For; limits count by it
    demo: bool = False
    sample_sheet: Callable[[], bytes] | None = None  # demo only: an .xlsx to try the import with
    accounts_hint: tuple[tuple[str, str], ...] = ()  # demo only: (user name, what it is) on the sign-in page
    login_limit: str = "10 per minute"
    public_limit: str = "120 per minute"  # of one address, on the pages of public verification
    upload_limit: str = "20 per minute"  # of one address, files to be checked
    database_options: Mapping[str, Any] = field(default_factory=dict)
