"""The life of a licence after it was issued: acts of people, days that pass, and whoever is told."""
