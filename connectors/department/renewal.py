"""Renewal: the key's certificate is renewed with the key itself before it ends, without anybody's doing.

Guarantees: looked at rarely and never in the way: what does not succeed today is tried again for a month. Where there is no
certificate (a key that was registered by hand) there is nothing to renew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.department.config import ConnectorConfig
from connectors.department.enrol import CERTIFICATE, renew
from connectors.errors import ConnectorError
from storage.keys import UnusableKey, valid_until

EVERY_S = 6 * 3600.0
BEFORE = timedelta(days=30)
_log = logging.getLogger(__name__)


class Renewal:
    """Looked in at by the program's loop."""

    def __init__(self, config: ConnectorConfig, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._clock = clock
        self._certificate = config.key_file.parent / CERTIFICATE
        self._looked_at = float("-inf")

    @property
    def until(self) -> datetime | None:
        """When the certificate ends; None where there is none."""
        try:
            return valid_until(self._certificate.read_bytes())
        except (OSError, UnusableKey):
            return None

    def look(self) -> None:
        """Renew if it is time. Never raises."""
        if time.monotonic() - self._looked_at < EVERY_S:
            return
        self._looked_at = time.monotonic()
        until = self.until
        if until is None or until - self._clock() >= BEFORE or self._config.hub_address is None:
            return
        try:
            done = renew(self._config)
        except (ConnectorError, OSError) as error:
            _log.warning("证书将于 %s 到期，续期没有办成，稍后再试：%s", until.date(), error)
        else:
            _log.info("密钥 %s 已续期到 %s", done.kid, done.valid_to)
