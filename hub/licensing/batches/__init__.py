"""Many licences at once: sheets in, batches worked by any number of processes, columns and files out."""
