"""What goes to the log: a line per event on standard error; for an error where it happened, never with which values.

A message of a driver or of a validator quotes the row or the field it is about, and that may be a person's. So a
traceback is written with its frames and the type of each exception, without messages; a database error adds its
SQLSTATE. No access log: URLs name records, and the refusals that matter are kept in the book.
"""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class SafeFormatter(logging.Formatter):
    """Formats tracebacks without the messages of exceptions."""

    def formatException(  # noqa: N802
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Frames and types only."""
        return "" if ei[1] is None else describe(ei[1])


def describe(error: BaseException) -> str:
    """An exception and what it came from, innermost first, without messages."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        state = getattr(current, "sqlstate", None)
        name = type(current).__name__ + (f" [SQLSTATE {state}]" if isinstance(state, str) else "")
        parts.append("".join(traceback.format_list(traceback.extract_tb(current.__traceback__))) + name)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\nwhich led to:\n".join(reversed(parts))


def configure(level: int = logging.INFO) -> None:
    """Set up logging for a process of ours; replaces what was there."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SafeFormatter(FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("fundledger").setLevel(level)
    # uvicorn says on start what `serve` says better; its errors are wanted.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
