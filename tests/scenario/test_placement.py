"""``[fleet.placement]``: what is ordered stands in racks and rows, within the rows' own limits."""

import pandas as pd
import pytest

import capacity_opt as co
from tests.scenario.small import FILES, write

SECTION = """
[fleet.placement]
largest_row_share = 1.0

[inventory]"""
RACKS = "rack_type,rack_units,power_kw,price_usd\n42U,42,3,900\n48U,48,12,1500\n"
ROWS = "row,zone,positions,power_kw\n" + "".join(f"{row},{zone},6,10\n" for zone in ("z1", "z2", "z3") for row in "ab")
TYPES = """server_type,vcpu,memory_gib,price_usd,opex_usd,lot,lead_time_months,life_months,power_kw,rack_units
gen9,24,96,9000,60,4,1,60,0.5,2
gen10,32,128,11000,70,4,1,60,0.6,2
"""


def placed(folder, racks=RACKS, rows=ROWS, types=TYPES, section=SECTION):
    write(folder, server_types_csv=types, options_csv=FILES["options.csv"].replace("900", "9000"))
    text = FILES["scenario.toml"].replace("\n[inventory]", section).partition("[frontier]")
    (folder / "scenario.toml").write_text(text[0] + "[simulation]\nsamples = 20\nreplications = 5\nperiods = 60\n")
    (folder / "rack_types.csv").write_text(racks)
    (folder / "rows.csv").write_text(rows)
    return folder


def run(folder):
    result = co.run_scenario(folder, out=folder.parent / "runs", set=["fleet.samples=5"])
    return result, {name: pd.read_parquet(result.folder / f"results/{name}.parquet") for name in result.tables}


def test_every_ordered_server_stands_somewhere_within_the_rows_limits(tmp_path):
    result, tables = run(placed(tmp_path / "s"))
    racks, rows, orders = tables["placement"], tables["placement_rows"], tables["orders"]
    keys = ["zone", "server_type"]
    assert len(orders)
    assert racks.groupby(keys)["servers"].sum().to_dict() == pytest.approx(
        orders.groupby(keys)["servers"].sum().to_dict()
    )
    by_row = racks.groupby(["zone", "row"])
    assert (by_row["power_kw"].sum() <= 10 + 1e-9).all()
    assert (by_row["rack"].max() <= 6).all()
    assert rows["used_kw"].sum() == pytest.approx(racks["power_kw"].sum())
    assert rows["free_positions"].sum() + rows["racks"].sum() == 36
    facts = result.manifest["placement"]
    assert facts["unplaced_servers"] == 0
    assert facts["racks"] == rows["racks"].sum() == orders["racks"].sum()
    assert facts["rack_price"] == 900 * facts["racks"]


def test_types_share_racks_where_lots_may_be_broken_up(tmp_path):
    section = SECTION.replace("largest_row_share = 1.0", "whole_racks = false\nlargest_row_share = 0.5")
    _, tables = run(placed(tmp_path / "s", section=section))
    racks = tables["placement"]
    per_row = racks.groupby(["zone", "server_type", "row"])["servers"].sum()
    total = racks.groupby(["zone", "server_type"])["servers"].sum()
    assert len(per_row)
    for (zone, kind, _), servers in per_row.items():
        assert servers <= -(-total[zone, kind] // 2)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"racks": "rack_type,rack_units,power_kw\n42U,42,1.9\n"}, "E246 server_types.csv:2: a lot of gen9 takes 8 U"),
        ({"racks": "rack_type,rack_units,power_kw\n42U,0,3\n"}, "rack_types.csv:2:rack_units"),
        ({"rows": ROWS.replace("z3", "z4", 1)}, "rows.csv:6:zone"),
        ({"rows": ROWS.replace("b,z1", "a,z1")}, "E210 rows.csv:3"),
        ({"section": SECTION.replace("largest_row_share", "largest_row")}, "Did you mean 'largest_row_share'"),
        (
            {"types": TYPES.replace("0.5,2", "0.5,0"), "section": SECTION.replace("= 1.0", "= 1\nwhole_racks = false")},
            "E246 server_types.csv:2:rack_units: gen9 has no height",
        ),
    ],
)
def test_faults_have_their_place(tmp_path, changed, says):
    with pytest.raises(co.ScenarioError, match=says):
        co.read_scenario(placed(tmp_path / "s", **changed))


def test_a_run_folder_can_be_run_again_from_its_inputs(tmp_path):
    result, _ = run(placed(tmp_path / "s"))
    again = co.read_scenario(result.folder / "inputs")
    assert again.room is not None
    assert again.room.rows.names == ("a", "b") * 3
