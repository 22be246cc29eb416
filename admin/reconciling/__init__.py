"""对账: runs, their differences, and the letters to the departments."""
