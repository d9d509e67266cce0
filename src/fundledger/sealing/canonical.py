"""One record, one sequence of bytes: RFC 8785 (JCS) JSON on the part of JSON the book uses.

Allowed: str without lone surrogates, int within ±(2**53 - 1), bool, None, list or tuple, dict with str keys. Money
travels as integer fen or decimal strings, so numbers with a fraction have no place here and are refused: two languages
never have to agree on how to print a float. Equal values give equal bytes on every machine and Python version; these
bytes are hashed and signed, so a change of this module is a new format version.
"""

from __future__ import annotations

import json
from typing import Any

MAX_INT = 2**53 - 1
"""The largest integer every JSON reader keeps exactly (RFC 8785 section 3.2.2.3, I-JSON)."""

_encode_sorting = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode
_encode_as_is = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=False, separators=(",", ":")
).encode


def canonical(value: object) -> bytes:
    """The RFC 8785 bytes (UTF-8, no white space, keys by UTF-16 code units) of `value`.

    TypeError for a float, a key that is not str, or any other type; ValueError for an integer beyond ±(2**53 - 1)
    or a lone surrogate. A value that contains itself ends in RecursionError.
    """
    ascii_keys = _check(value)
    try:
        text = _encode_sorting(value) if ascii_keys else _encode_as_is(_in_utf16_order(value))
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a string holds a lone surrogate") from None


def _check(value: object) -> bool:
    """Refuse what is outside the domain; True if all keys are ASCII, so that the C encoder's own order is right."""
    if isinstance(value, dict):
        return _check_dict(value)
    if isinstance(value, list | tuple):
        ascii_keys = True
        for item in value:
            if type(item) is not str and not _check(item):
                ascii_keys = False
        return ascii_keys
    if isinstance(value, int) and not -MAX_INT <= value <= MAX_INT:
        raise ValueError("an integer is beyond 2**53 - 1")
    if value is not None and not isinstance(value, str | int):
        raise TypeError(f"{type(value).__name__} has no canonical form here")
    return True


def _check_dict(record: dict[Any, Any]) -> bool:
    ascii_keys = True
    for key, item in record.items():
        if type(key) is not str:
            raise TypeError(f"a key is str, not {type(key).__name__}")
        if not key.isascii():
            ascii_keys = False
        kind = type(item)
        # Most fields: spare them a call.
        if kind is str or item is None or (kind is int and -MAX_INT <= item <= MAX_INT):
            continue
        if not _check(item):
            ascii_keys = False
    return ascii_keys


def _in_utf16_order(value: object) -> object:
    """The same value with every dict in the order of RFC 8785 section 3.2.3 (code points sort differently)."""
    if isinstance(value, dict):
        return {key: _in_utf16_order(value[key]) for key in sorted(value, key=_utf16)}
    if isinstance(value, list | tuple):
        return [_in_utf16_order(item) for item in value]
    return value


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")
