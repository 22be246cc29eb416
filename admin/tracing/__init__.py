"""Tracing: the pages of one case - its timeline, the signed bytes behind it, and what is printed or taken away."""
