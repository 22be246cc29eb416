"""Checking licences: behind a QR code, from a file, and by the signed status list."""
