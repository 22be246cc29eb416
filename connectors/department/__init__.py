"""The department connector: a process at a department, with its own key and its own state file.

Guarantees: knows the hub only by its topics, its public keys and its addresses for files; needs neither the hub's database
nor its object store. Everything arrives at least once and is delivered once: by event id.
"""

from __future__ import annotations
