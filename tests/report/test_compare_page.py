import json

import pytest
import synthetic

from capacity_opt.errors import ArgumentError, RunFolderError
from capacity_opt.report import compare_page
from capacity_opt.scenario.compare import compare_runs
from capacity_opt.scenario.past_runs import PastRun


def write_comparison(before, after, path):
    found = compare_runs(PastRun(before), PastRun(after))
    return compare_page.write_comparison([found], [before, after], path)


def dearer():
    cost = synthetic.cost()
    for name, more in (("capital", 50.0), ("on_demand", -10.0)):
        cost.loc[cost.component == name, "EffectiveCost"] += more
    orders = synthetic.orders()
    orders.loc[0, "racks"] += 1
    return {"cost": cost, "orders": orders}


@pytest.fixture
def page(run_folder, tmp_path):
    other = synthetic.write_run(tmp_path / "other", dearer())
    return write_comparison(run_folder, other, tmp_path / "compare.html").read_text(encoding="utf-8")


def test_difference_is_said_first(page):
    assert (
        "B costs 240 USD more than A (+7.2 %); the largest part is servers (capital)." in page[: page.index("<section")]
    )


def test_waterfall_sums_to_the_difference(page):
    assert "the steps sum to 240.00" in page
    figure = page[page.index('id="waterfall-B"') :]
    for amount in ("3,318.60", "300.00", "-60.00", "3,558.60"):
        assert f">{amount}</td>" in figure


def test_only_orders_that_changed_are_listed(page):
    orders = page[page.index('id="orders-B"') : page.index('id="frontiers"')]
    assert ">genoa</td>" in orders
    assert "HYPERLINK" not in orders


def test_page_is_offline_and_hostile_names_are_inert(page):
    assert "default-src 'none'" in page
    assert page.count("<script") == 1
    assert "&lt;/script&gt;" in page


def test_equal_runs_are_said_to_be_equal(run_folder, tmp_path):
    page = write_comparison(run_folder, run_folder, tmp_path / "same.html").read_text(encoding="utf-8")
    assert "B costs the same as A." in page
    assert "inputs, options and seed are the same as in A" in page


def test_three_runs_stand_side_by_side(run_folder, tmp_path):
    other = synthetic.write_run(tmp_path / "other", dearer())
    folders = [run_folder, other, run_folder]
    found = [compare_runs(PastRun(run_folder), PastRun(folder)) for folder in folders[1:]]
    page = compare_page.write_comparison(found, folders, tmp_path / "three.html").read_text(encoding="utf-8")
    assert "3 runs compared" in page
    assert "B costs 240 USD more than A" in page
    assert "C costs the same as A." in page
    cost = page[page.index('<section id="cost"') : page.index('<section id="availability"')]
    assert [cost.count(f">{letter}, USD</th>") for letter in "ABC"] == [1, 1, 1]


def test_same_runs_give_the_same_bytes(run_folder, tmp_path):
    other = synthetic.write_run(tmp_path / "other", dearer())
    first = write_comparison(run_folder, other, tmp_path / "a.html").read_bytes()
    assert first == write_comparison(run_folder, other, tmp_path / "b.html").read_bytes()


def test_different_currencies_are_refused(run_folder, tmp_path):
    other = synthetic.write_run(tmp_path / "other")
    manifest = json.loads((other / "manifest.json").read_text(encoding="utf-8")) | {"currency": "EUR"}
    (other / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArgumentError, match="different currencies"):
        write_comparison(run_folder, other, tmp_path / "x.html")


def test_a_folder_that_is_no_run_is_refused(run_folder, tmp_path):
    with pytest.raises(RunFolderError):
        write_comparison(run_folder, tmp_path, tmp_path / "x.html")
