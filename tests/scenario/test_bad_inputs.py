import re
from pathlib import Path

import pytest

import capacity_opt
import capacity_opt as co
from capacity_opt.scenario.problems import CODES
from tests.scenario.bad_inputs import BAD_INPUTS
from tests.scenario.fuzz_reading import main
from tests.scenario.small import FILES, spoil, write

SAMPLES = 'kind = "samples"\nfile = "demand.csv"\n'


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_bad_input_says_place_rule_value_and_fix(tmp_path, bad):
    with pytest.raises(co.ScenarioError) as caught:
        co.read_scenario(spoil(tmp_path / "s", bad.file, bad.old, bad.new))
    told = [str(problem) for problem in caught.value.problems]
    right = [line for line in told if line.startswith(f"{bad.code} {bad.place}")]
    assert right, told
    assert any(all(part in line for part in bad.says) for line in right), right
    assert caught.value.exit_code == 3


def test_all_problems_are_told_together(tmp_path):
    folder = spoil(tmp_path / "s", "classes.csv", "4,0.99,90", "4,99,-90")
    (folder / "zones.csv").write_text(FILES["zones.csv"].replace("400", "400 kW", 1))
    with pytest.raises(co.ScenarioError, match="3 problems found") as caught:
        co.read_scenario(folder)
    assert {problem.code for problem in caught.value.problems} == {"E201", "E203", "E206"}


def test_many_like_problems_are_counted(tmp_path):
    rows = "".join(f"i{n},z1,-1,9,30,0\n" for n in range(25))
    folder = write(tmp_path / "s", items_csv=FILES["items.csv"] + rows)
    with pytest.raises(co.ScenarioError) as caught:
        co.read_scenario(folder)
    like = [problem for problem in caught.value.problems if problem.column == "holding_cost_usd"]
    assert len(like) == 11
    assert like[-1].rule == "15 more rows like this (25 in all)"


def test_crossing_quantiles_are_sorted_with_a_counted_warning(tmp_path):
    folder = spoil(tmp_path / "s", "demand.csv", "300,350,420", "300,350,120")
    warning = co.read_scenario(folder).warnings[0]
    assert warning.code == "W212"
    assert warning.place == "demand.csv:2"
    assert "p90 = 120 < p50 = 350 (critical eu-west-1 2027-01-01): 1 row crosses, repaired by sorting" in warning.rule


def test_crossing_quantiles_are_refused_where_asked(tmp_path):
    folder = spoil(tmp_path / "s", "demand.csv", "300,350,420", "300,350,120")
    with pytest.raises(co.ScenarioError, match="E212 demand.csv:2"):
        co.read_scenario(folder, set=["demand.crossing=error"])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("low,0.5,critical,80\nhigh,0.47,critical,120\n", "probabilities sum to 0.97 .must be 1.. Missing a sample"),
        ("low,0.5,critical,80\nhigh,,critical,120\n", "no probability for 'high'"),
        ("low,0.5,critical,80\nlow,0.4,critical,120\n", "two probabilities"),
    ],
)
def test_probabilities_of_samples(tmp_path, rows, says):
    folder = write(
        tmp_path / "s",
        demand_csv="sample,probability,class,value\n" + rows,
        classes_csv=FILES["classes.csv"].replace("standard,1,2,0.9,20\n", ""),
        zones_csv="zone\nz1\nz2\nz3\n",
        options_csv="option,kind,server_type,price\non-demand,on_demand,gen10,900\n",
    )
    text = FILES["scenario.toml"].replace('kind = "quantiles"\nfile = "demand.csv"\nautocorrelation = 0.5\n', SAMPLES)
    (folder / "scenario.toml").write_text(text)
    with pytest.raises(co.ScenarioError, match=says):
        co.read_scenario(folder)


def test_demand_above_all_that_can_be_built_is_told_before_solving(tmp_path):
    folder = write(tmp_path / "s")
    with pytest.raises(co.ScenarioError, match=r"E242 classes.csv: infeasible before solving: period 2027-01-01 needs"):
        co.read_scenario(
            folder,
            set=[
                "fleet.shortage_allowed=false",
                "server_types.order_limit=0",
                "options.limit=0",
                *(f"demand.{level}*=30" for level in ("p10", "p50", "p90")),
            ],
        )


def test_worthless_promises_are_warned_of(tmp_path):
    folder = spoil(tmp_path / "s", "items.csv", "0.5,9,30,3", "0.5,0,30,3")
    warning = co.read_scenario(folder).warnings[0]
    assert (warning.code, warning.place) == ("W243", "items.csv:3:stockout_cost")


@pytest.mark.parametrize("name", ['=HYPERLINK(""http://x"")', "<script>alert(1)</script>", "\x1b[31mred", "[/red]"])
def test_hostile_names_are_text(tmp_path, name):
    folder = write(tmp_path / "s")
    for file in ("items.csv", "item_demand.csv"):
        text = FILES[file].replace("fan,", f'"{name}",')
        (folder / file).write_text(text, encoding="utf-8")
    assert co.read_scenario(folder).inventory.names[1] == name.replace('""', '"')


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04rest", "E235 items.csv: is an Excel workbook"),
        (b"", "E235 items.csv: is empty"),
        (b"item,location\n\xff\xfe,z\n", "E235 items.csv:2: is not UTF-8"),
        (b"item\0,location\n", "E235 items.csv: is not a text file"),
    ],
)
def test_files_that_are_no_tables(tmp_path, content, says):
    folder = write(tmp_path / "s")
    (folder / "items.csv").write_bytes(content)
    with pytest.raises(co.ScenarioError, match=says):
        co.read_scenario(folder)


def test_no_such_folder(tmp_path):
    with pytest.raises(co.ScenarioError, match="no such scenario folder"):
        co.read_scenario(tmp_path / "nothing")


def test_randomly_spoilt_scenarios_are_read_or_told_about():
    assert main(300, seed=11) == []


def test_every_code_that_is_explained_is_used():
    root = Path(capacity_opt.__file__).parent
    used = {code for path in root.rglob("*.py") for code in re.findall(r'"([EW]2\d\d)"', path.read_text("utf-8"))}
    assert set(CODES) <= used


SETTINGS = {
    "time.periods=3.5": "must be a whole number",
    "time.start=20270101": "must be a date. Write YYYY-MM-DD",
    'money.currency="usd"': "three capitals. Write USD",
    'money.currency="US Dollar"': "For example USD",
    'money.discount_rate="8%"': "must be a number. Write 0.08",
    "schema_version=2": "must be one of 1",
    'name=""': "must not be empty",
    "name=5": "must be text. Write it in quotes",
    "fleet.samples=1e3": "Write 1000",
    'fleet.gap="5"': "must be < 1",
    'fleet.solver="gurobi"': "must be one of cp_sat, glop, highs",
    "fleet.resources=[]": "must not be empty",
    'fleet.resources="vcpu"': "must be a list",
    'fleet.resources=["vcpu","vcpu"]': "names one twice",
    'fleet.integer="yes"': "fleet.integer = 'yes': must be true or false",
    "frontier.values=[99]": "For a percentage write 0.99",
    "frontier.values=0.9": "must be a list",
    "simulation.level=95": "write 0.95",
    'demand.file=""': "must not be empty",
    'demand.file="http://x/y.csv"': "nothing is downloaded",
    "fleet.overcommit={cpu=2}": "Did you mean 'vcpu'?",
    'fleet.first_order="2030-01-01"': "not the start of a period",
    "time=5": "must be a section",
    "nonsense=1": "key 'nonsense' unknown",
    "classes.filrate=0.9": "Did you mean 'fill_rate'?",
    "server_types.price*=abc": "is not a number",
    "fleet.gap": "must be path=value",
}


@pytest.mark.parametrize(("setting", "says"), SETTINGS.items())
def test_settings_that_cannot_be_say_what_can(tmp_path, setting, says):
    with pytest.raises(co.ScenarioError) as caught:
        co.read_scenario(write(tmp_path / "s"), set=[setting])
    assert says in str(caught.value)


FILES_THAT_ARE_NO_CSV = {
    "UTF-16 text": lambda text: text.encode("utf-16"),
    "a PDF": lambda text: b"%PDF-1.4\n%\xe2\xe3",
    "compressed (gzip)": lambda text: b"\x1f\x8b\x08\x00rest",
    "a web page": lambda text: b"<!DOCTYPE html><html></html>",
    "a Parquet file": lambda text: b"PAR1rest",
    "an old Excel workbook": lambda text: b"\xd0\xcf\x11\xe0rest",
    "uses tabs": lambda text: text.replace(",", "\t").encode(),
    "uses '|'": lambda text: text.replace(",", "|").encode(),
    "not UTF-8": lambda text: text.replace("fan", "l\xfcfter").encode("latin-1"),
    "is empty": lambda text: b"\n\n",
    "not a text file": lambda text: b"item\n\0\n",
}


@pytest.mark.parametrize(("says", "change"), FILES_THAT_ARE_NO_CSV.items())
def test_files_that_are_no_csv_are_called_what_they_are(tmp_path, says, change):
    folder = write(tmp_path / "s")
    (folder / "items.csv").write_bytes(change(FILES["items.csv"]))
    with pytest.raises(co.ScenarioError) as caught:
        co.read_scenario(folder)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "says"),
    {
        "(40)": "Write -40", "\u221240": "Write -40", "1_040": "Write 1040", "0x40": "is not a number",
        "1e400": "too large", "40\u20ac": "Write 40", "40 USD": "Write 40", "1'040": "Write 1040",
        "1\u00a0040": "Write 1040", "TRUE": "is not a number", "TBD": "Write 0 for none",
    }.items(),
)  # fmt: skip
def test_cells_that_are_no_plain_number_say_what_to_write(tmp_path, cell, says):
    with pytest.raises(co.ScenarioError) as caught:
        co.read_scenario(spoil(tmp_path / "s", "items.csv", ",40,", f",{cell},"))
    assert f"items.csv:2:stockout_cost_usd = {cell!r}" in str(caught.value)
    assert says in str(caught.value)


def test_costs_that_changed_places_are_remarked(tmp_path):
    folder = spoil(
        tmp_path / "s", "items.csv", "holding_cost_usd,stockout_cost_usd", "stockout_cost_usd,holding_cost_usd"
    )
    told = [str(warning) for warning in co.read_scenario(folder).warnings]
    assert any("Have the two columns changed places?" in text for text in told)


def test_a_lead_time_of_a_million_years_is_a_typing_mistake(tmp_path):
    with pytest.raises(co.ScenarioError, match=r"lead_time_days = '1000000000': is 32,\d+,\d+ periods: too long"):
        co.read_scenario(spoil(tmp_path / "s", "items.csv", "40,60,5", "40,1000000000,5"))
