"""Advice 协调建议: questions and proposals between a department and the window, on the case and as a list."""
