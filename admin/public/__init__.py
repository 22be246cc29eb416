"""Public pages: anybody checks a licence here, without signing in."""
