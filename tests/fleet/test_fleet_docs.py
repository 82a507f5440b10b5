"""The documented model is the model: its page runs, and every block that is ever written is named in the table."""

import doctest
import re
from pathlib import Path

import pytest

import capacity_opt.fleet
from capacity_opt.fleet.formulation import build_model
from capacity_opt.fleet.outcomes import draw_outcomes
from tests.fleet_features import FEATURES, formulation_of, random_fleet

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "fleet_model.md"


def test_the_page_runs():
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 5
    assert result.failed == 0


@pytest.mark.parametrize("name", ["plan_regions", "commitments"])
def test_the_howtos_run(name):
    page = PAGE.parents[1] / "howto" / f"{name}.md"
    result = doctest.testfile(str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted >= 3
    assert result.failed == 0


def test_every_block_is_in_the_table():
    told = capacity_opt.fleet.__doc__ or ""
    names: set[str] = set()
    for seed in range(12):
        problem = random_fleet(seed, frozenset(FEATURES) - ({"recourse_orders"} if seed % 2 else set()))
        model = build_model(problem, draw_outcomes(problem), formulation_of(problem))
        names |= {re.sub(r"_without_z\d", "_without_z", name) for name in (*model.column_blocks, *model.row_blocks)}
    general = {name.removesuffix("_without_z") for name in names}
    missing = [name for name in sorted(general) if re.sub(r"_(up|down)$", "", name) not in told]
    assert not missing
    assert len(general) > 35
