"""What a department writes in its own words and forms, and how that becomes the data of a message.

Guarantees: changes only the form, never the content. Not here: ids, signatures, and the evidence files that are named.
"""
