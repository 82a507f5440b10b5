import doctest
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "explanation"
NAMES = ["lost_sales", "serial_system", "guaranteed_service", "two_echelon", "supply_disruption", "rounding"]


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_on_the_page_run(name):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(PAGES / f"{name}.md"), module_relative=False, optionflags=flags)
    assert failed == 0
    assert tried > 0
