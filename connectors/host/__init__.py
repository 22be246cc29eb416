"""The connector host: runs the connectors of departments that run nothing themselves, all of them in a few threads."""
