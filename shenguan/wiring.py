"""The composition root of the programs and commands: from settings to what they work with.

Guarantees: nothing here opens a connection before it is used, except where the name says so. Each function needs only
its own settings (NEEDS says which), so a program starts with what it needs and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connectors.bus import BusSettings
from hub.ports import Desk
from shenguan.settings import Settings
from storage.custody import KeyCustody
from storage.department_ca import DepartmentAuthority
from storage.identity import IdentityVault
from storage.kept_secrets import KeptSecrets
from storage.key_encryption import KeyEncryption
from storage.signing import BadSignature, Signer, TrustedKey, TrustedKeys

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from admin import AdminConfig
    from connectors.host.settings import HostConfig
    from hub.licensing.ports import Inspector, Press, Tokens
    from storage.files import FileStore
    from storage.intake.finish import Intake
    from storage.objects import ObjectStore

_BROKER = ("kafka_bootstrap",)
_STORE = ("s3_endpoint", "s3_access_key", "s3_secret_key")
_INTAKE = ("clamd", "trusted_signers")
_PRESS = ("licence_signing", "timestamp_url")
_DESK = ("public_url", "key_encryption_key", "key_encryption_older", "identity_key", "hub_signing_key")

#: What each program or command cannot do without.
NEEDS: dict[str, tuple[str, ...]] = {
    "database": ("database_url",),
    "desk": ("database_url", *_DESK),
    "relay": ("database_url", *_BROKER, *_STORE, *_INTAKE, *_DESK),
    "intake": ("database_url", *_BROKER, *_DESK),
    "host": ("database_url", *_BROKER, *_STORE, *_INTAKE, *_DESK),
    "web": ("database_url", *_BROKER, *_STORE, *_INTAKE, *_PRESS, *_DESK, "web_secret"),
    "press": ("database_url", *_STORE, *_PRESS, *_DESK),
    "migrate": ("database_url", *_STORE, *_DESK, "web_secret"),
    "verify": ("database_url", *_STORE, "hub_signing_key"),
    "trust": ("database_url", *_BROKER, "public_url", "hub_signing_key"),
}

HUB = "hub"


def now() -> datetime:
    """The clock that is handed in."""
    return datetime.now(UTC)


def engine_of(settings: Settings, *, timeout: int = 3) -> Engine:
    """The database; connects at first use and gives up after `timeout` seconds."""
    from sqlalchemy import create_engine

    return create_engine(settings.database_url, pool_pre_ping=True, connect_args={"connect_timeout": timeout})


def signer_of(settings: Settings) -> Signer:
    """The hub's signature."""
    return Signer.from_pem(HUB, settings.hub_signing_pem())


def kek_of(settings: Settings) -> KeyEncryption:
    """The key-encryption key, and those it replaced."""
    return KeyEncryption(settings.key_encryption_key_bytes, *settings.key_encryption_older_bytes)


def identities_of(settings: Settings) -> IdentityVault:
    """The vault of personal numbers."""
    return IdentityVault(settings.identity_key_bytes, kek_of(settings))


def desk_of(settings: Settings) -> Desk:
    """What the use cases work with."""
    return Desk(
        area=settings.area,
        public_url=settings.public_url.rstrip("/"),
        signer=signer_of(settings),
        identities=identities_of(settings),
        clock=now,
        custody=KeyCustody(kek_of(settings)),
        secrets=KeptSecrets(kek_of(settings)),
        authority=DepartmentAuthority.derived(settings.identity_key_bytes, settings.area),
    )


def bus_of(settings: Settings) -> BusSettings:
    """The broker, with whatever security is set."""
    named = {
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_sasl_username,
        "sasl_plain_password": settings.kafka_sasl_password,
        "ssl_cafile": settings.kafka_ssl_cafile,
        "ssl_certfile": settings.kafka_ssl_certfile,
        "ssl_keyfile": settings.kafka_ssl_keyfile,
    }
    security = {name: value for name, value in named.items() if value}
    timing: dict[str, Any] = {
        "fetch_max_wait_ms": settings.kafka_fetch_max_wait_ms,
    }
    return BusSettings(
        bootstrap=settings.kafka_bootstrap,
        security={"security_protocol": settings.kafka_security_protocol, **security},
        **{name: value for name, value in timing.items() if value is not None},
    )


def host_config_of(settings: Settings) -> HostConfig:
    """What the connector host works with."""
    from connectors.adapters.guard import places_of
    from connectors.host.settings import HostConfig

    signer = signer_of(settings)
    return HostConfig(
        database_url=settings.database_url,
        bus=bus_of(settings),
        desk=desk_of(settings),
        hub_keys={signer.kid: signer.public_pem},
        folder=settings.connector_folder_here,
        intake=intake_of(settings),
        loopback_allowed=settings.connector_loopback,
        private_allowed=settings.connector_private,
        closed=places_of(settings.database_url, settings.s3_endpoint, *bus_of(settings).addresses),
        workers=settings.connector_workers,
    )


def objects_of(settings: Settings) -> ObjectStore:
    """The bucket; nothing is contacted yet."""
    from storage.objects import ObjectStore

    return ObjectStore(
        settings.s3_endpoint,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        bucket=settings.s3_bucket,
    )


def files_of(settings: Settings) -> FileStore:
    """The sealed files of cases."""
    from storage.files import FileStore

    return FileStore(objects_of(settings), kek_of(settings))


def intake_of(settings: Settings) -> Intake:
    """What taking files in works with."""
    from hub.feedback.unused_evidence import UnusedLimits
    from hub.upload_rules import IntakeRules
    from storage.intake.finish import Intake
    from storage.intake.scan import Clamd
    from storage.intake.signatures import Signatures
    from storage.intake.spool import Spool

    return Intake(
        spool=Spool(settings.spool_folder),
        files=files_of(settings),
        clock=now,
        rules=IntakeRules(max_bytes=settings.max_upload_bytes),
        unused=UnusedLimits(
            settings.unused_evidence_files, settings.unused_evidence_bytes, settings.unused_evidence_days
        ),
        scanner=Clamd(settings.clamd) if settings.clamd else None,
        signatures=Signatures(settings.trusted_signers_folder),
    )


def press_of(settings: Settings) -> Press:
    """What prints and signs licences; without a credential in its folder it refuses to, in a sentence."""
    from storage.licences.credentials import Credentials
    from storage.licences.press import LicencePress

    credentials = Credentials(settings.licence_signing_folder)
    return LicencePress(files_of(settings), credentials, now, settings.timestamp_url or None)


def tokens_of(settings: Settings) -> Tokens:
    """The tokens in QR codes."""
    from storage.licences.tokens import LicenceTokens

    return LicenceTokens(settings.identity_key_bytes)


def inspector_of(settings: Settings) -> Inspector:
    """What looks into a file that somebody brings to be checked."""
    from storage.licences.inspect import LicenceInspector

    return LicenceInspector(settings.licence_signing_folder)


class Heads:
    """The ledger's signed heads in the object store: hub.seal_ledger.HeadStore."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`."""
        self._objects.put_bytes(name, data, media_type="application/json")

    def get(self, name: str) -> bytes:
        """The bytes under `name`. Raises NotFound."""
        return self._objects.get_bytes(name)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(found.name for found in self._objects.list("ledger/"))


def verify_heads_with(signer: Signer) -> Callable[[bytes, str], bool]:
    """Whether a head's signature is the hub's own."""
    keys = TrustedKeys.of([TrustedKey(signer.kid, HUB, signer.public_pem)])

    def verify(payload: bytes, signature: str) -> bool:
        try:
            keys.verify(payload, signature, at=now())
        except BadSignature:
            return False
        return True

    return verify


def admin_config_of(settings: Settings) -> AdminConfig:
    """What the web pages are given."""
    from admin import AdminConfig

    desk = desk_of(settings)
    return AdminConfig(
        database_url=settings.database_url,
        web_secret=settings.web_secret,
        desk=desk,
        area_name=settings.area_name,
        files=files_of(settings),
        intake=intake_of(settings),
        press=press_of(settings),
        tokens=tokens_of(settings),
        inspector=inspector_of(settings),
        store_check=objects_of(settings).check,
        broker_address=settings.kafka_bootstrap or None,
        hub_keys={desk.signer.kid: signer_of(settings).public_pem},
        heads=Heads(objects_of(settings)),
        cookie_secure=settings.cookie_secure,
        trusted_proxies=settings.trusted_proxies,
        demo=settings.embedded,
        sample_sheet=_sample_sheet if settings.embedded else None,
    )


def _sample_sheet() -> bytes:
    """Three hundred synthetic rows, the same each time."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from shenguan.sample import generate, header
    from storage.spreadsheet import write_rows

    with TemporaryDirectory() as folder:
        path = Path(folder) / "sample.xlsx"
        write_rows(path, header(), generate(300, seed=20), title="行政许可")
        return path.read_bytes()
