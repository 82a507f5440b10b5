"""The spare-parts scenario is what its script makes of the raw history, and keeps its promises in little memory."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from capacity_opt.scenario.inventory_step import replenish
from capacity_opt.scenario.inventory_tables import Inventory
from capacity_opt.scenario.read import read_scenario

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "scenarios" / "spare_parts"
DATA = Path(os.environ.get("CAPACITY_OPT_DATA", ROOT.parent / "shared" / "data")) / "forecast" / "raf.parquet"


@pytest.mark.skipif(not DATA.is_file(), reason=f"raw data absent at {DATA}; set CAPACITY_OPT_DATA")
def test_rebuilding_from_the_raw_file_gives_the_same_bytes(tmp_path):
    spec = importlib.util.spec_from_file_location("build_spare_parts", ROOT / "scenarios" / "build_spare_parts.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        assert path.read_bytes() == (FOLDER / path.name).read_bytes(), path.name


def test_judged_fill_rates_are_near_the_promised_ones():
    scenario = read_scenario(FOLDER)
    outcome = replenish(_first(scenario.inventory, 200), scenario.simulation, scenario.timeline, seed=3)
    gap = outcome.values["judged_fill_rate"] - outcome.values["fill_rate"]
    assert np.abs(gap).max() < 0.05
    assert abs(gap.mean()) < 0.003
    assert outcome.kept


def _first(inventory: Inventory, count: int) -> Inventory:
    at = np.arange(count)
    return inventory.take(at)
