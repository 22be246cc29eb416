"""Pages on which a data administrator designs licence types."""
