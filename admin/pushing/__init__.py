"""Pages of pushing: rules, pushes, corrections."""
