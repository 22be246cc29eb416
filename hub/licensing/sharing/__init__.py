"""Sharing licences with departments after GB/T 36906: query, check, copy for a stated use."""
