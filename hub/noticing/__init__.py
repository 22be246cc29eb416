"""Noticing 窗口提醒: what a person must see now, and what became of it."""
