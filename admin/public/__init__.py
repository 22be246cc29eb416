"""Public pages: anybody checks a licence here, without signing in. Importing it gathers every address on `pages.bp`."""

from admin.public import faces, lists

__all__ = ["faces", "lists"]
