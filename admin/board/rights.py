"""Who may look at the board: those who see the pushes of all departments."""

BOARD = {"BoardView": ("can_see",)}
