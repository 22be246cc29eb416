"""Pushing 推送: what is owed to whom, by which rule, and how far each department is."""
