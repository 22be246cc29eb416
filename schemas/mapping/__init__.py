"""The mapping of fields: theirs to ours and ours to theirs, without code."""
