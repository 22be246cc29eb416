"""Files of electronic licences: printed, signed, inspected, proved."""
