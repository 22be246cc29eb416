"""Issuing: an order checked, numbered, printed and written; and what stands on the face."""
