"""Feedback: the facts that come back, and what they do."""
