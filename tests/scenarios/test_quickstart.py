"""The quickstart's tables are what the build script makes of the public files, and they hang together."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from capacity_opt.scenario.read import read_scenario

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "scenarios" / "quickstart"
DATA = Path(os.environ.get("CAPACITY_OPT_DATA", ROOT.parent / "shared" / "data")) / "fleet"
LEVELS = ["p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99"]


def table(name):
    return pd.read_csv(QUICKSTART / name)


@pytest.fixture(scope="module")
def script():
    path = ROOT / "scenarios" / "build_quickstart.py"
    spec = importlib.util.spec_from_file_location("build_quickstart", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not DATA.is_dir(), reason=f"raw data absent at {DATA}; set CAPACITY_OPT_DATA")
def test_rebuilding_from_the_raw_files_gives_the_same_bytes(script, tmp_path):
    script.build(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        assert path.read_bytes() == (QUICKSTART / path.name).read_bytes(), path.name
    assert len(list(tmp_path.iterdir())) == 11


def test_quantile_of_peak_inverts_the_mixture(script):
    peaks, error = np.array([1.0, 1.1, 1.3]), 0.05
    draws = peaks[np.arange(300_000) % 3] * np.exp(error * np.random.default_rng(1).standard_normal(300_000))
    for level in (0.05, 0.5, 0.95):
        assert script.quantile_of_peak(peaks, error, level) == pytest.approx(np.quantile(draws, level), rel=3e-3)


@pytest.mark.parametrize("name", ["demand_quantiles.csv", "item_demand_quantiles.csv"])
def test_quantiles_rise_with_their_level(name):
    assert (np.diff(table(name)[LEVELS].to_numpy(), axis=1) >= 0).all()


def test_demand_covers_every_class_and_month():
    demand = table("demand_quantiles.csv")
    assert len(demand) == 3 * 12
    assert set(demand["class"]) == set(table("classes.csv")["class"])
    assert (demand.groupby("class").p50.apply(lambda p: p.is_monotonic_increasing)).all()


def test_initial_stock_is_below_what_the_year_needs_and_above_the_first_month_median():
    types = table("server_types.csv").set_index("server_type").vcpu
    stock = table("initial_stock.csv")
    vcpu = (stock.servers * stock.server_type.map(types)).sum()
    total = table("demand_quantiles.csv").groupby("period").p50.sum()
    assert total.iloc[0] < vcpu < total.iloc[-1]


def test_owned_capacity_is_cheaper_than_overflow_for_a_server_that_is_used():
    genoa = table("server_types.csv").set_index("server_type").loc["genoa-160"]
    overflow = table("options.csv").price_usd.iloc[0]
    owned = genoa.price_usd / 72 + genoa.opex_usd
    assert 5 * owned < overflow < 20 * owned


def test_racks_fit_their_power_and_the_zone_has_power_for_its_stock():
    types = table("server_types.csv").set_index("server_type")
    assert (types.lot * types.power_kw <= 14.5 + 1e-9).all()
    stock = table("initial_stock.csv")
    power = (stock.servers * stock.server_type.map(types.power_kw)).groupby(stock.zone).sum()
    limit = table("zones.csv").set_index("zone").power_limit_kw
    assert (power < limit).all()
    assert limit["z1"] - power["z1"] < limit["z2"] - power["z2"]


def test_there_are_about_fifty_items_with_a_demand_row_each():
    items, demand = table("items.csv"), table("item_demand_quantiles.csv")
    assert 45 <= len(items) <= 60
    assert items[["item", "location"]].equals(demand[["item", "location"]])


def test_every_table_is_named_in_the_sources():
    text = (QUICKSTART / "SOURCES.md").read_text(encoding="utf-8")
    for path in QUICKSTART.glob("*.csv"):
        assert f"`{path.name}`" in text
    assert "CC-BY-4.0" in text


def test_the_scenario_reads_without_a_warning():
    scenario = read_scenario(QUICKSTART)
    assert scenario.warnings == ()
    sizes = scenario.fleet.sizes
    assert {name: sizes[name] for name in "KZGTCR"} == {"K": 4, "Z": 3, "G": 1, "T": 12, "C": 3, "R": 2}
    assert scenario.fleet.supply.lead_time.min() == 2
    assert scenario.fleet.supply.lead_time.max() == 4
