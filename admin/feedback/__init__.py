"""Screens of what comes back: facts, penalties as sheets, lights."""
