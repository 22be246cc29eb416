"""Mapping without code: the editor of one flow's fields, its preview and proposals, code tables, versions, exchange."""
