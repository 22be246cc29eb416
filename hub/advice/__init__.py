"""Advice 协调建议: a question or a proposal between a department and the window, answered in a thread on the case."""
