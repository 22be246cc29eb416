"""A person at the keyboard, whose time is counted by the keystroke-level model (Card, Moran and Newell, 1980).

Guarantees: everything that the test does in the browser goes through here and costs what an average typist takes for it;
what the machine takes is counted as it passes, because a person waits for it.
"""

from __future__ import annotations

import time

from playwright.sync_api import Locator, Page

KEY, POINT, BUTTON, HOME, THINK = 0.28, 1.1, 0.2, 0.4, 1.35  # seconds


class Person:
    """One person before one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._acting = 0.0
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """What it has taken so far: acting, and waiting for the machine."""
        return self._acting + (time.monotonic() - self._begun)

    def click(self, what: Locator) -> None:
        """Decide, point, press."""
        self._acting += THINK + POINT + BUTTON
        what.click()

    def write(self, where: Locator, words: str) -> None:
        """Point into the box, then type."""
        self._acting += POINT + BUTTON + HOME + KEY * len(words)
        where.fill(words)

    def choose(self, where: Locator, label: str) -> None:
        """Open a list and take a line of it."""
        self._acting += THINK + 2 * (POINT + BUTTON)
        where.select_option(label=label)
