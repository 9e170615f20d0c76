"""Errors by their code and the facts they give, whatever their words are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from longstride import LongstrideError


@contextmanager
def raises(
    code: str, *facts: object, kind: type[LongstrideError] = LongstrideError
) -> Iterator[pytest.ExceptionInfo[LongstrideError]]:
    """Expect an error of a kind that has this code, and in its message each of the facts."""
    with pytest.raises(kind) as caught:
        yield caught
    assert caught.value.code == code, caught.value
    for fact in facts:
        assert str(fact) in str(caught.value)


def assert_refused(output: str, code: str, *facts: object) -> None:
    """Expect that a command ended with one line, an error of this code that gives each of the facts."""
    line = output.splitlines()[-1]
    assert re.fullmatch(rf"Error: .* \[{re.escape(code)}\]", line), output
    for fact in facts:
        assert str(fact) in line
