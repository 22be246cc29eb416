"""Reconciling 对账: decided = pushed = arrived = signed = claimed = answered, and what the departments themselves count."""
