"""Connecting departments without code: connectors as versions of one document, secrets, jobs, enrolment, health."""
