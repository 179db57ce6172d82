"""DynamoDB's numbers, against Python's decimals."""

from __future__ import annotations

from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.core.errors import ServiceError
from tule.lang.dynamodb import numbers

EXACT = Context(prec=400, Emax=10_000, Emin=-10_000)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Numbers within the limits, written in all sorts of ways."""
    digits = draw(st.text("0123456789", min_size=1, max_size=38))
    point = draw(st.integers(0, len(digits)))
    exponent = draw(st.integers(-130 + 38, 125 - 38))
    sign = draw(st.sampled_from(["", "-", "+"]))
    mark = draw(st.sampled_from(["e", "E"]))
    whole = digits[:point] + ("." + digits[point:] if point < len(digits) or (draw(st.booleans()) and point) else "")
    return f"{sign}{whole}{mark}{exponent}" if draw(st.booleans()) else f"{sign}{whole}"


@given(texts())
def test_the_canonical_text_is_the_same_number_and_stays_as_it_is(text: str) -> None:
    canonical = numbers.canonical(text)
    assert Decimal(canonical) == Decimal(text)
    assert numbers.canonical(canonical) == canonical
    assert "e" not in canonical.lower()
    assert not canonical.startswith(("+", "00", ".", "-."))
    assert canonical != "-0"
    if "." in canonical:
        assert not canonical.endswith("0")


@given(texts(), texts())
def test_equal_numbers_have_equal_texts(left: str, right: str) -> None:
    assert (numbers.canonical(left) == numbers.canonical(right)) == (Decimal(left) == Decimal(right))


@given(texts(), texts())
def test_bytes_sort_as_numbers_do(left: str, right: str) -> None:
    a, b = numbers.sortable(numbers.canonical(left)), numbers.sortable(numbers.canonical(right))
    assert (a < b) == (Decimal(left) < Decimal(right))
    assert (a == b) == (Decimal(left) == Decimal(right))
    assert a == b or not b.startswith(a)
    assert (numbers.compare(numbers.canonical(left), numbers.canonical(right)) < 0) == (a < b)


@given(texts(), texts())
def test_sums_are_exact_or_refused(left: str, right: str) -> None:
    a, b = numbers.canonical(left), numbers.canonical(right)
    for compute, exact in ((numbers.add, EXACT.add(Decimal(a), Decimal(b))), (numbers.subtract, EXACT.subtract(Decimal(a), Decimal(b)))):
        digits = len("".join(map(str, exact.as_tuple().digits)).strip("0"))
        if digits <= 38 and (not exact or -130 <= exact.adjusted() <= 125):
            assert Decimal(compute(a, b)) == exact
        else:
            with pytest.raises(ServiceError, match=r"Number (over|under)flow"):
                compute(a, b)


@pytest.mark.parametrize("text", ["1E125", "9.99999999E125", "1E-130", "-1E125", "0.1E126", "0", "-0", "0E5", "0E125", "0.0E126", "1" * 38])
def test_what_lies_within_the_limits_is_taken(text: str) -> None:
    assert Decimal(numbers.canonical(text)) == Decimal(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1E126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("-11E125", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("1.0e100000000000", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("0E126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("0E-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
        ("1E9223372036854775808", "The parameter cannot be converted to a numeric value: 1E9223372036854775808"),
        ("1E-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
        ("3" * 39, "Attempting to store more than 38 significant digits in a Number"),
        ("dog", "The parameter cannot be converted to a numeric value: dog"),
        ("", "The parameter cannot be converted to a numeric value"),
        (" 1", "The parameter cannot be converted to a numeric value:  1"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("1_000", "The parameter cannot be converted to a numeric value: 1_000"),
        ("١", "The parameter cannot be converted to a numeric value: ١"),
        (".", "The parameter cannot be converted to a numeric value: ."),
    ],
)
def test_what_is_no_number_is_refused(text: str, message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        numbers.canonical(text)
    assert refused.value.message == message
