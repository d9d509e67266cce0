"""Identity numbers, credit codes and cards: what cannot be right is refused, and the refusal does not repeat it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundledger.errors import FundledgerError
from fundledger.registry.identity import (
    birth_date_of,
    check_card,
    check_identity_number,
    check_uscc,
    normalise,
    normalise_card,
    sex_of,
    synthetic_card,
    synthetic_identity_number,
    synthetic_uscc,
)

BIRTHS = st.dates(date(1850, 1, 1), date(2100, 12, 31))


def code_of(check: Callable[[str], object], text: str) -> str | None:
    """The code a check refuses a text with; the refusal must carry nothing else."""
    try:
        check(text)
    except FundledgerError as refused:
        refusal = refused
    else:
        return None
    assert refusal.params == {}
    assert refusal.args == (refusal.code,)
    return refusal.code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("11010519491231002X", None),  # the example of GB 11643-1999
        ("440524188001010014", None),  # the other one
        (" 11010519491231002x\u3000", None),
        ("110105194912310021", "identity-checksum"),
        ("11010519491231020X", "identity-checksum"),
        ("110105491231002", "identity-malformed"),
        ("11010519490230002X", "identity-malformed"),
        ("110105179912310020", "identity-malformed"),
        ("11010519491231002Y", "identity-malformed"),
        ("1101051949123100 2X", "identity-malformed"),
        ("１１０１０５１９４９１２３１００２Ｘ", "identity-malformed"),
        ("", "identity-malformed"),
        ("1.10105E+17", "identity-scientific"),
        ("1E17", "identity-scientific"),
    ],
)
def test_identity_numbers_follow_gb_11643(text: str, code: str | None) -> None:
    assert code_of(check_identity_number, text) == code


@given(BIRTHS, st.integers(0, 999))
def test_a_synthetic_identity_number_is_valid_and_tells_birth_date_and_sex(birth: date, sequence: int) -> None:
    number = synthetic_identity_number(birth, sequence)
    check_identity_number(number)
    assert number.startswith("999999")
    assert birth_date_of(number) == birth
    assert sex_of(number) == ("male" if sequence % 2 else "female")


@given(BIRTHS, st.integers(0, 999), st.integers(0, 16), st.integers(1, 9))
def test_every_single_wrong_digit_of_an_identity_number_is_found(
    birth: date, sequence: int, place: int, shift: int
) -> None:
    number = synthetic_identity_number(birth, sequence)
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert code_of(check_identity_number, wrong) in {"identity-checksum", "identity-malformed"}


def test_birth_date_and_sex_of_an_invalid_number_are_refused() -> None:
    assert code_of(birth_date_of, "110105194912310021") == "identity-checksum"
    assert code_of(sex_of, "11010519491231002") == "identity-malformed"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("91110000600037341L", None),
        (" 91110000600037341l ", None),
        ("911100006000373410", "uscc-checksum"),
        ("91110000600037314L", "uscc-checksum"),
        ("9111000060003734IL", "uscc-malformed"),
        ("91A10000600037341L", "uscc-malformed"),
        ("91110000600037341", "uscc-malformed"),
        ("", "uscc-malformed"),
    ],
)
def test_credit_codes_follow_gb_32100(text: str, code: str | None) -> None:
    assert code_of(check_uscc, text) == code


@given(st.integers(0, 10**9 - 1), st.integers(0, 16))
def test_a_synthetic_credit_code_is_valid_and_a_wrong_digit_is_found(sequence: int, place: int) -> None:
    code = synthetic_uscc(sequence)
    check_uscc(code)
    wrong = code[:place] + str((int(code[place]) + 1) % 10) + code[place + 1 :]
    assert code_of(check_uscc, wrong) == "uscc-checksum"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("4111111111111111", None),
        ("4111 1111 1111-1111", None),
        ("4222222222222", None),
        ("9999990000000000011", "card-checksum"),
        ("4111111111111112", "card-checksum"),
        ("411111111111", "card-malformed"),
        ("41111111111111111111", "card-malformed"),
        ("４１１１１１１１１１１１１１１１", "card-malformed"),
        ("", "card-malformed"),
        ("6.2E+18", "card-scientific"),
        ("6.21700E+18", "card-scientific"),
        ("6e18", "card-scientific"),
    ],
)
def test_card_numbers_follow_luhn_and_a_spreadsheets_number_is_named(text: str, code: str | None) -> None:
    assert code_of(check_card, text) == code


@given(st.integers(0, 10**12 - 1), st.integers(0, 18), st.integers(1, 9))
def test_a_synthetic_card_is_valid_and_a_wrong_digit_is_found(sequence: int, place: int, shift: int) -> None:
    number = synthetic_card(sequence)
    assert len(number) == 19
    check_card(number)
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert code_of(check_card, wrong) == "card-checksum"


def test_synthetic_numbers_of_different_sequences_differ() -> None:
    assert len({synthetic_card(n) for n in range(1000)}) == 1000
    assert len({synthetic_identity_number(date(1960, 5, 4), n) for n in range(1000)}) == 1000


@pytest.mark.parametrize("build", [synthetic_card, synthetic_uscc, lambda n: synthetic_identity_number(date.min, n)])
def test_a_sequence_out_of_range_is_refused(build: Callable[[int], str]) -> None:
    for sequence in (-1, 10**12):
        with pytest.raises(ValueError, match="sequence runs from 0"):
            build(sequence)


def test_numbers_are_stored_without_space_and_in_upper_case() -> None:
    assert normalise(" 11010519491231002x\t") == "11010519491231002X"
    assert normalise_card(" 6217-0000 0000 ") == "621700000000"
