"""The licence-sharing interface for departments."""
