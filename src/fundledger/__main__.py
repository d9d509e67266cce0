"""``python -m fundledger`` is the command line."""

from __future__ import annotations

from fundledger.cli.commands import main

if __name__ == "__main__":
    main()
