"""Pages of electronic licences: their types, issuing, life, rules, batches and notices."""
