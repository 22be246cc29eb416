"""Licence types: designed as drafts, published as versions that never change - rules, fields, layout."""
