"""``python -m crossmargin`` is the command ``crossmargin``."""

from __future__ import annotations

import sys

from crossmargin.interfaces.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
