"""The explanation pages about admission run and print what they say."""

import doctest
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "explanation"


@pytest.mark.parametrize("name", ["loss_systems", "critical_levels", "booking_limits", "overcommit"])
def test_page_runs(name):
    told = doctest.testfile(
        str(PAGES / f"{name}.md"), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert told.attempted > 5
    assert told.failed == 0
