"""Canonical bytes: equal to RFC 8785 on the domain the book uses, refused outside it."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from fundledger.sealing.canonical import MAX_INT, canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-MAX_INT, MAX_INT), TEXT)
VALUES = st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner), st.dictionaries(TEXT, inner)))


class _Kind(StrEnum):
    RELEASE = "release"


class _Level(IntEnum):
    DISTRICT = 2


@given(VALUES)
@example({"\U0001f600": 1, "\ufb33": 2, "€": 3, "\r": 4, "1": 5, "\u0080": 6, "ö": 7})
@example({"a": {"\U00010000": 1, "\uffff": 2}})
@example('\u0000\u001f\u007f\u2028"\\/\b\f\n\r\t')
def test_canonical_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": ["金", True, None]}, '{"a":["金",true,null],"b":1}'),
        ({"\ue000": 1, "\U00010000": 2}, '{"\U00010000":2,"\ue000":1}'),
        ((1, (2, [])), "[1,[2,[]]]"),
        ({"a": {"é": 1, "b": 2}}, '{"a":{"b":2,"é":1}}'),
        ("\u000f\u001b", '"\\u000f\\u001b"'),
        (_Kind.RELEASE, '"release"'),
        ([_Level.DISTRICT], "[2]"),
        (MAX_INT, "9007199254740991"),
        (-MAX_INT, "-9007199254740991"),
    ],
)
def test_golden_vectors(value: object, expected: str) -> None:
    assert canonical(value) == expected.encode()


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), Decimal(1), b"x", {1: 2}, {None: 1}, {True: 1}, {"a": 1.5}, [[0.0]], {"é": 1.0}, {1}, object()],
)
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("value", [MAX_INT + 1, -MAX_INT - 1, {"a": [10**30]}])
def test_integers_that_not_every_reader_keeps_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="2\\*\\*53"):
        canonical(value)


@pytest.mark.parametrize("value", ["\ud800", {"a": "\udc00x"}, {"\ud800": 1}, [{"é\ud800": 1}]])
def test_lone_surrogates_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="lone surrogate"):
        canonical(value)


@given(st.dictionaries(TEXT, VALUES))
def test_the_order_keys_were_added_in_does_not_matter(value: dict[str, Any]) -> None:
    assert canonical(value) == canonical(dict(reversed(value.items())))
