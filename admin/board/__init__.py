"""签收看板: every department as a tile that lights up as it signs."""
