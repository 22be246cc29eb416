"""A whole year of a county in fast-forward: 19 departments, 406 items, real parts, and a reconciliation at its end."""
