"""A connector as one document: which endpoints of a department's, which flows over them, how fields are mapped.

The document is what the admin edits, what is exported and imported as one readable file, and what runs.
"""
