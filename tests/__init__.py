"""The suite: real parts, no stand-ins for the database, the broker or the object store."""
