import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.scenario.reference import filled
from capacity_opt.scenario.resolved import resolved_toml
from tests.scenario.small import FILES, write

DEMAND = "class,region,period,p10,p50,p90"


def test_sets_and_shapes(tmp_path):
    fleet = co.read_scenario(write(tmp_path / "s")).fleet
    assert fleet.sizes == {"K": 2, "Z": 3, "G": 2, "T": 3, "B": 1, "C": 2, "J": 3, "R": 2, "M": 3}
    assert fleet.groups.names == ("critical/eu-west-1", "critical/us-east-1", "standard/eu-west-1")
    assert fleet.options.names == ("on-demand eu-west-1", "on-demand us-east-1", "one year")
    assert fleet.periods == ("2027-01-01", "2027-02-01", "2027-03-01")
    assert fleet.supply.lead_time.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert fleet.finance.discount_rate == pytest.approx(1.05 ** (1 / 12) - 1)


def test_drawn_demand_has_the_given_quantiles(tmp_path):
    fleet = co.read_scenario(write(tmp_path / "s")).fleet
    values, probability = fleet.demand.draw(20_000, seed=1)
    assert probability.sum() == pytest.approx(1)
    assert np.quantile(values[:, 0, 0, 0], [0.1, 0.5, 0.9]) == pytest.approx([300, 350, 420], rel=0.01)


def test_ids_stay_text_and_days_become_periods(tmp_path):
    scenario = co.read_scenario(write(tmp_path / "s"))
    assert scenario.inventory.names == ("00123", "fan", "dimm")
    assert scenario.items.lead_time.tolist() == [2, 1, 1]
    assert scenario.demand.discrete


@pytest.mark.parametrize(
    "header",
    [
        "class,region,period,0.1,0.5,0.9",
        "class,region,period,q0.1,q0.5,q0.9",
        "class,region,period,AutoETS-lo-80,median,AutoETS-hi-80",
        "class,region,period,Theta-q-10,Theta-q-50,Theta-q-90",
    ],
)
def test_quantile_columns_of_forecasting_tools(tmp_path, header):
    plain = co.read_scenario(write(tmp_path / "a")).fleet.demand.draw(50, seed=1)[0]
    styled = write(tmp_path / "b", demand_csv=FILES["demand.csv"].replace(DEMAND, header))
    assert np.array_equal(co.read_scenario(styled).fleet.demand.draw(50, seed=1)[0], plain)


def test_long_format_is_the_same_demand(tmp_path):
    plain = co.read_scenario(write(tmp_path / "a")).fleet.demand.draw(50, seed=1)[0]
    lines = ["class,region,period,level,value"]
    for row in FILES["demand.csv"].splitlines()[1:]:
        *key, p10, p50, p90 = row.split(",")
        lines += [",".join([*key, level, v]) for level, v in (("0.5", p50), ("0.1", p10), ("0.9", p90))]
    folder = write(tmp_path / "b", demand_csv="\n".join(lines) + "\n")
    assert np.array_equal(co.read_scenario(folder).fleet.demand.draw(50, seed=1)[0], plain)


def test_byte_order_mark_comments_and_blank_lines_are_fine(tmp_path):
    folder = write(tmp_path / "s")
    text = "\ufeffitem,location,holding_cost_usd,stockout_cost_usd,lead_time_days,on_hand,note\n# parts\n\n"
    text += "00123,z1,2.5,40,60,5,assumption\nfan,z1,0.5,9,30,3,\ndimm,z2,4.1,80,30,4,\n"
    (folder / "items.csv").write_text(text, encoding="utf-8")
    assert co.read_scenario(folder).inventory.names == ("00123", "fan", "dimm")


def test_parquet_is_read_like_csv(tmp_path):
    folder = write(tmp_path / "s")
    pd.read_csv(folder / "demand.csv").to_parquet(folder / "demand.parquet")
    by_csv = co.read_scenario(folder).fleet.demand.draw(20, seed=1)[0]
    by_parquet = co.read_scenario(folder, set=['demand.file="demand.parquet"']).fleet.demand.draw(20, seed=1)[0]
    assert np.array_equal(by_csv, by_parquet)


def test_a_sheet_of_a_workbook_is_read_like_csv(tmp_path):
    folder = write(tmp_path / "s")
    pd.read_csv(folder / "demand.csv", parse_dates=["period"]).to_excel(
        folder / "book.xlsx", sheet_name="plan", index=False
    )
    by_csv = co.read_scenario(folder).fleet.demand.draw(20, seed=1)[0]
    by_sheet = co.read_scenario(folder, set=['demand.file="book.xlsx#plan"']).fleet.demand.draw(20, seed=1)[0]
    assert np.array_equal(by_csv, by_sheet)
    with pytest.raises(co.ScenarioError, match="has no sheet 'paln'. Did you mean 'plan'"):
        co.read_scenario(folder, set=['demand.file="book.xlsx#paln"'])


def test_a_database_is_asked(tmp_path):
    folder = write(tmp_path / "s")
    with sqlite3.connect(folder / "plan.sqlite") as database:
        pd.read_csv(folder / "demand.csv").to_sql("forecast", database, index=False)
    by_csv = co.read_scenario(folder).fleet.demand.draw(20, seed=1)[0]
    for asked in ("forecast", "SELECT * FROM forecast WHERE p50 > 0"):
        asked_scenario = co.read_scenario(folder, set=[f'demand.file="plan.sqlite#{asked}"'])
        assert np.array_equal(by_csv, asked_scenario.fleet.demand.draw(20, seed=1)[0])
    with pytest.raises(co.ScenarioError, match="cannot be asked"):
        co.read_scenario(folder, set=['demand.file="plan.sqlite#SELECT nothing FROM forecast"'])


def test_set_changes_keys_cells_and_scales_columns(tmp_path):
    folder = write(tmp_path / "s")
    settings = ["fleet.gap=2%", "server_types[server_type=gen9].price=1", "server_types.opex*=2", "time.periods=3"]
    scenario = co.read_scenario(folder, set=settings)
    assert scenario.spec.fleet.gap == 0.02
    assert scenario.fleet.supply.price[:, 0, 0].tolist() == [1, 11000]
    assert scenario.fleet.supply.opex[:, 0, 0].tolist() == [120, 140]


def test_the_optimiser_draws_as_asked_and_judges_do_not(tmp_path):
    folder = write(tmp_path / "s")
    asked = ["fleet.sampling=antithetic", "fleet.samples=40", "fleet.reduce_to=5"]
    plain, fleet = co.read_scenario(folder).fleet, co.read_scenario(folder, set=asked).fleet
    full = draw_outcomes(replace(fleet, reduce_to=None), seed=3).values
    pairs = plain.demand.with_sampling("antithetic").draw(40, seed=3)[0]
    assert np.array_equal(full, pairs)
    assert draw_outcomes(fleet, seed=3).count == 5
    assert np.array_equal(fleet.demand.draw(9, seed=3)[0], plain.demand.draw(9, seed=3)[0])


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("fleet.gpa=1%", "key 'gpa' unknown. Did you mean 'gap'"),
        ("server_types[server_type=gen7].price=1", "matches no row of server_types.csv"),
        ("server_types.pirce=1", "no column 'pirce'. Did you mean 'price"),
        ("supply.price=1", "override of a table that is not read"),
        ("nonsense", "must be path=value"),
        ("fleet.gap*=2", "scales columns of tables"),
    ],
)
def test_set_that_matches_nothing_is_an_error(tmp_path, setting, says):
    with pytest.raises(co.ScenarioError, match=says):
        co.read_scenario(write(tmp_path / "s"), set=[setting])


def test_variants_and_overrides(tmp_path):
    folder = write(tmp_path / "s")
    extra = """
[[overrides]]
table = "zones"
where = { zone = "z3" }
scale = { power_limit_kw = 0.5 }

[variants.cheap]
set = { "money.discount_rate" = 0.0 }
overrides = [{ table = "server_types", where = { server_type = "gen9" }, set = { price_usd = 5 } }]
"""
    (folder / "scenario.toml").write_text(FILES["scenario.toml"] + extra)
    plain, cheap = co.read_scenario(folder), co.read_scenario(folder, variant="cheap")
    assert plain.fleet.sites.power_limit[:, 0].tolist() == [400, 400, 200]
    assert cheap.fleet.supply.price[0, 0, 0] == 5
    assert cheap.fleet.finance.discount_rate == 0
    with pytest.raises(co.ScenarioError, match="no variant 'chaep'. Did you mean 'cheap'"):
        co.read_scenario(folder, variant="chaep")


def test_extends_takes_tables_and_keys_from_another_scenario(tmp_path):
    write(tmp_path / "base")
    own = tmp_path / "own"
    own.mkdir()
    (own / "scenario.toml").write_text('schema_version = 1\nextends = "../base"\nname = "own"\n[fleet]\nsamples = 7\n')
    (own / "zones.csv").write_text(FILES["zones.csv"].replace("400", "500"))
    scenario = co.read_scenario(own)
    assert (scenario.name, scenario.fleet.samples, scenario.spec.fleet.gap) == ("own", 7, 0.01)
    assert scenario.fleet.sites.power_limit[0, 0] == 500


def test_extends_may_not_leave_the_parent(tmp_path):
    own = tmp_path / "deep" / "own"
    own.mkdir(parents=True)
    write(tmp_path / "base")
    (own / "scenario.toml").write_text('schema_version = 1\nextends = "../../base"\nname = "own"\n')
    with pytest.raises(co.ScenarioError, match="same parent"):
        co.read_scenario(own)


def test_initial_stock_ages_leaves_and_fails(tmp_path):
    types = FILES["server_types.csv"].replace("power_kw", "power_kw,annual_failure_rate").replace("0.5\n", "0.5,0.1\n")
    stock = "server_type,zone,servers,age_months,decommission_period\ngen9,z1,8,58,\ngen10,z1,6,0,2027-03-01\n"
    fleet = co.read_scenario(
        write(tmp_path / "s", server_types_csv=types.replace("0.6\n", "0.6,0\n"), initial_stock_csv=stock)
    ).fleet
    stay = 0.9 ** (1 / 12)
    assert fleet.supply.initial[0, 0] == pytest.approx([8, 8 * stay, 0])
    assert fleet.supply.initial[1, 0].tolist() == [6, 6, 0]


def test_placed_orders_arrive(tmp_path):
    folder = write(
        tmp_path / "s",
        placed_orders_csv="server_type,zone,racks,order_period,arrival_period\ngen9,z1,2,,2027-02\ngen10,z2,1,1,\n",
    )
    fleet = co.read_scenario(folder, set=['fleet.placed_orders="placed_orders.csv"']).fleet
    assert fleet.supply.initial[0, 0].tolist() == [8, 16, 16]
    assert fleet.supply.placed[1, 1].tolist() == [1, 0, 0]


def test_history_windows_are_the_outcomes(tmp_path):
    rows = "".join(f"critical,eu-west-1,2026-{m:02d}-01,{m}\n" for m in range(1, 7))
    folder = write(tmp_path / "s", demand_csv="class,region,period,value\n" + rows)
    fleet = co.read_scenario(folder, set=["demand.kind=history"]).fleet
    values, probability = fleet.demand.draw(1, seed=0)
    assert values[:, 0, :, 0].tolist() == [[1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6]]
    assert probability.tolist() == [0.25] * 4


def test_mixed_families_of_items(tmp_path):
    rows = "00123,z1,poisson,3,\nfan,z1,normal,8,2\ndimm,z2,poisson,2,\n"
    table = f"item,location,distribution,mean,standard_deviation\n{rows}"
    folder = write(tmp_path / "s", item_demand_csv=table)
    demand = co.read_scenario(folder, set=["inventory.demand.kind=parametric"]).demand
    assert demand.mean.tolist() == [3, 8, 2]
    assert demand.take(np.array([2, 1])).mean.tolist() == [2, 8]
    assert demand.quantile(0.5).tolist() == [3, 8, 2]


def test_long_columns_are_read_like_short_ones(tmp_path):
    rows = [f"i{n},z1,{n % 7 + 0.5},9,30,{n % 3}\n" for n in range(6000)]
    demand = [f"i{n},z1,1,{n % 5 + 2},9\n" for n in range(6000)]
    header, demand_header = FILES["items.csv"].partition("\n")[0], FILES["item_demand.csv"].partition("\n")[0]
    folder = write(
        tmp_path / "s", items_csv=f"{header}\n{''.join(rows)}", item_demand_csv=f"{demand_header}\n{''.join(demand)}"
    )
    items = co.read_scenario(folder).inventory
    assert items.item.holding_cost.tolist() == [n % 7 + 0.5 for n in range(6000)]
    assert items.on_hand.tolist() == [n % 3 for n in range(6000)]
    rows[4321] = 'i4321,z1,"1,234",9,30,0\n'
    (folder / "items.csv").write_text(f"{header}\n{''.join(rows)}")
    with pytest.raises(co.ScenarioError, match=r"E218 items.csv:4323:holding_cost_usd = '1,234'"):
        co.read_scenario(folder)


def test_the_reference_page_is_up_to_date():
    page = Path(__file__).parents[2] / "docs" / "reference" / "scenario.md"
    text = page.read_text(encoding="utf-8")
    assert filled(text) == text, "run: python -m capacity_opt.scenario.reference docs/reference/scenario.md"


def test_a_resolved_scenario_is_the_same_scenario(tmp_path):
    folder = write(tmp_path / "s")
    settings = ["fleet.gap=2%", "server_types[server_type=gen9].price=1", "zones.power_limit_kw*=0.5"]
    first = co.read_scenario(folder, set=settings)
    (folder / "scenario.toml").write_text(resolved_toml(first))
    second = co.read_scenario(folder)
    assert resolved_toml(second) == resolved_toml(first)
    assert np.array_equal(second.fleet.supply.price, first.fleet.supply.price)
    assert np.array_equal(second.fleet.sites.power_limit, first.fleet.sites.power_limit)
