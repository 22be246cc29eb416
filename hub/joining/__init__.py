"""How a department takes part: its channel, a key in the hub's custody, and what is said for it in the browser."""
