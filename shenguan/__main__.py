"""`python -m shenguan` is the command line."""

from __future__ import annotations

from shenguan.cli import main

if __name__ == "__main__":
    main()
