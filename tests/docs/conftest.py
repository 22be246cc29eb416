"""The shell that the documentation's tests use."""

from __future__ import annotations

from tests.front_door import hub

__all__ = ["hub"]
