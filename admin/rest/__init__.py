"""The departments' REST door, version 1: messages, keys and rules as over topics, where no broker can be reached.

A department may change from one way to another at any time: its place is what it has signed for.
"""

from __future__ import annotations
