"""The how-to runs as it is written."""

import doctest
from pathlib import Path

HOWTO = Path(__file__).parents[3] / "docs" / "howto" / "add_a_constraint.md"


def test_the_howto_runs():
    failed, tried = doctest.testfile(str(HOWTO), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried > 10
    assert failed == 0
