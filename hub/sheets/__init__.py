"""Sheets: the national permit sheets, read and loaded."""
