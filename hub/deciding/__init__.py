"""Deciding: a decision and everything that is written with it."""
