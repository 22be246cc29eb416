"""Tracing: the whole life of one case in one list."""
