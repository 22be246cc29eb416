"""Letters 函件: documents of several pages with tables, set with the type of the licences."""
