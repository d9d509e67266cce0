"""Lines of a list checked by column, many at once: what is plainly sound passes, all else is left to the line's reader.

`lines.py` says what a sound line is, one line after the other. A list of 30,000 lines is nearly always sound, and
looking at a whole column costs a tenth. So this only ever says "surely sound" or "look closer"; a test compares both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from fundledger.errors import FundledgerError
from fundledger.money import parse_yuan
from fundledger.payments.forms import Form
from fundledger.registry.identity import all_cards, all_identity_numbers

BLOCK = 2_000
NAME_MAX = 100
TEXT_MAX = 200
QUANTITY_MAX = 1_000_000

_OPTIONAL = ("participation_ref", "exception_document_no", "allocation")
_WHOLE_COLUMN: dict[str, Callable[[Sequence[str]], bool]] = {
    "household_no": lambda texts: True, "identity_number": all_identity_numbers, "card": all_cards,
}  # fmt: skip
"""Keys and accounts whose columns can be checked at once."""


class Block(NamedTuple):
    """Some rows of an upload: their numbers, and their stripped cells by field."""

    rows: list[int]
    columns: dict[str, list[str | None]]


def sound_lines(block: Block, form: Form, first: int, seen: dict[str, int]) -> Iterable[tuple[object, ...]] | None:
    """The fields of each `Line`, numbered from `first`, if every row is surely sound; None: look at them one by one.

    `seen` are the keys of the rows before, with their rows; those of the block are added.
    """
    keys = _texts(block.columns.get(form.key), TEXT_MAX)
    names = _texts(block.columns.get("name"), NAME_MAX)
    accounts = _texts(block.columns.get(form.account), TEXT_MAX)
    if keys is None or names is None or accounts is None:
        return None
    if form.key not in _WHOLE_COLUMN or form.account not in _WHOLE_COLUMN:
        return None
    count = len(block.rows)
    amounts = _numbers(block.columns.get("amount"), _fen)
    quantities = _numbers(block.columns.get("quantity") or [None] * count, _quantity)
    optional = [_optional(block.columns.get(name), count) for name in _OPTIONAL]
    if amounts is None or quantities is None or None in optional:
        return None
    if len(set(keys)) < count or not seen.keys().isdisjoint(keys):
        return None
    if not (_WHOLE_COLUMN[form.key](keys) and _WHOLE_COLUMN[form.account](accounts)):
        return None
    seen.update(zip(keys, block.rows, strict=True))
    columns = [keys, names, accounts, amounts, quantities, *(column or [] for column in optional)]
    return zip(range(first, first + count), block.rows, *columns, strict=True)


def _texts(cells: list[str | None] | None, maximum: int) -> list[str] | None:
    """A column in which every cell is filled, readable and short enough."""
    if cells is None or not all(cells):
        return None
    texts = [cell for cell in cells if cell]
    return texts if "".join(texts).isprintable() and max(map(len, texts), default=0) <= maximum else None


def _optional(cells: list[str | None] | None, count: int) -> list[str | None] | None:
    """A column in which cells may be empty; equal texts, which lines of a list often share, become one."""
    if cells is None:
        return [None] * count
    shared: dict[str | None, str | None] = {cell: cell or None for cell in set(cells)}
    filled = list(filter(None, shared))
    if _texts(list(filled), TEXT_MAX) is None:
        return None
    return [shared[cell] for cell in cells]


def _numbers(cells: list[str | None] | None, read: Callable[[str | None], int]) -> list[int] | None:
    """A column read cell by cell, equal cells once; None if one is refused."""
    if cells is None:
        return None
    try:
        values = {cell: read(cell) for cell in set(cells)}
    except (FundledgerError, ValueError):
        return None
    return [values[cell] for cell in cells]


@lru_cache(maxsize=10_000)
def _fen(text: str | None) -> int:
    """An amount; those of a list repeat."""
    return parse_yuan(text)


def _quantity(text: str | None) -> int:
    """1 where it is not given; ValueError for what is no plain whole number from 1 to QUANTITY_MAX."""
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(QUANTITY_MAX))):
        raise ValueError
    number = int(text)
    if not 1 <= number <= QUANTITY_MAX:
        raise ValueError
    return number
