"""What the department wrote cannot be sent as it is."""

from __future__ import annotations


class Unfit(Exception):
    """The sentence says why, and what would be right."""
