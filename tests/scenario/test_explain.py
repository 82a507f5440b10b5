"""``explain``: the sentences hold the very numbers of the run's tables, and nothing else is claimed."""

import json
from types import SimpleNamespace

import pytest

import capacity_opt as co
from capacity_opt.cli import main
from capacity_opt.scenario.explain import explain
from capacity_opt.scenario.past_runs import PastRun
from tests.scenario.test_placement import placed


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = placed(tmp_path_factory.mktemp("explained") / "s")
    return PastRun(co.run_scenario(folder, out=folder.parent / "runs", set=["fleet.samples=5"]).folder)


def said(run, what):
    return " ".join(sentence for each in explain(run, what) for sentence in each.sentences)


def test_an_item_by_name_or_by_place_has_its_own_numbers(run):
    (found,) = explain(run, "fan")
    assert found == explain(run, "fan@z1")[0]
    assert (found.kind, found.name) == ("item", "fan@z1")
    row = next(row for row in run.rows("inventory") if row["item"] == "fan")
    text = said(run, "fan")
    assert row["explanation"] in text
    assert f"base stock level {row['base_stock_level']:g}" in text
    assert f"{row['expected_cost']:.4g} USD a period" in text
    assert f"{row['judged_fill_rate']:.2%}" in text or f"{row['judged_fill_rate']:.4%}" in text


def test_a_region_tells_its_tightest_period_and_its_orders(run):
    text = said(run, "eu-west-1")
    lines = [row for row in run.rows("orders") if row["region"] == "eu-west-1"]
    assert f"({sum(row['servers'] for row in lines):.0f} servers) ordered for" in text
    assert all(row["reason"] in text for row in lines)
    fan = {row["period"]: row["p95"] for row in run.rows("demand_fan")
           if (row["class"], row["region"], row["resource"]) == ("all", "eu-west-1", "vcpu")}  # fmt: skip
    supply = {row["period"]: row["in_service"] for row in run.rows("supply")
              if (row["region"], row["resource"]) == ("eu-west-1", "vcpu")}  # fmt: skip
    tightest = min(fan, key=lambda period: supply[period] / fan[period])
    assert f"It is tightest in {tightest}" in text
    assert f"{abs(supply[tightest] / fan[tightest] - 1):.1%}" in text


@pytest.mark.parametrize(
    ("what", "kind", "says"),
    [
        ("z1", "zone", "Row a takes"),
        ("gen9", "server type", "server"),
        ("critical", "class", "against a target of 99.00%"),
        ("vcpu", "resource", "Allocation:"),
    ],
)
def test_pools_of_every_kind_are_known(run, what, kind, says):
    assert [each.kind for each in explain(run, what)] == [kind]
    assert says in said(run, what)


def test_commitments_are_told_where_they_were_made():
    rows = [{"option": "ri", "server_type": "gen9", "region": "eu", "period": "2", "servers": 40.0}]
    fake = SimpleNamespace(
        folder=SimpleNamespace(name="r"),
        manifest={},
        table=lambda name: {key: [rows[0][key]] for key in rows[0]} if name == "commitments" else {},
        rows=lambda name: rows if name == "commitments" else [],
    )
    assert "40 servers of gen9 committed through ri from 2 on" in said(fake, "ri")


def test_an_unknown_name_gets_the_nearest_one(run):
    with pytest.raises(co.ArgumentError, match="has nothing called 'gen99'. Did you mean 'gen9'"):
        explain(run, "gen99")


def test_the_command_prints_words_or_json(run, capsys):
    for extra in ([], ["--json"]):
        with pytest.raises(SystemExit) as stop:
            main(["explain", str(run.folder), "fan", *extra])
        assert stop.value.code == 0
        out = capsys.readouterr().out
        assert "fan@z1" in out
    assert json.loads(out)["explanations"][0]["kind"] == "item"
    with pytest.raises(SystemExit) as stop:
        main(["explain", str(run.folder), "fam"])
    assert stop.value.code == 2
    assert "Did you mean 'fan'" in capsys.readouterr().err
