"""Pages of batches, and of licences taken away."""
