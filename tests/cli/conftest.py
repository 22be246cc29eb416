"""The shell that the command line's tests use."""

from __future__ import annotations

from tests.front_door import hub

__all__ = ["hub"]
