"""What one may do with licence types. Every view of theirs names all of it: Flask-AppBuilder takes the others' away."""

from __future__ import annotations

LICENCE_TYPE_RIGHTS = ("can_list", "can_edit", "can_export")
