"""Exchange: the outbox, the inbox, the quarantine, and taking messages in."""
