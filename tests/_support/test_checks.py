"""Values as numbers."""

from __future__ import annotations

from riskmodel._support.checks import Array, as_numbers
from riskmodel._support.doors import door


def test_none_is_no_number_and_an_optional_array_may_be_none():
    assert as_numbers(None) is None

    @door
    def asked(values: Array | None = None):
        return values

    assert asked(None) is None
    assert asked(values=None) is None
    assert asked([1, 2]).tolist() == [1.0, 2.0]
