"""``python -m tidu`` is the command line."""

from __future__ import annotations

from tidu.app.cli import main

if __name__ == "__main__":
    main()
