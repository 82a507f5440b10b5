import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.inventory.two_echelon import approximate_two_echelon, evaluate_two_echelon, optimize_two_echelon
from capacity_opt.problem.network import DepotAndBases

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text())["cases"]
NETWORKS = [c for c in CASES if c["family"] == "two_echelon_one_for_one" and "S_base" in c["parameters"]]


@pytest.mark.parametrize("case", NETWORKS, ids=lambda c: c["id"])
def test_backorders_of_reference_networks(case):
    """Sherbrooke (1968) METRIC; Graves (1985) VARI-METRIC; exact by Simon (1971) and Graves (1985)."""
    given, expected = case["parameters"], case["expected"]
    network = DepotAndBases(
        base_rate=given["base_rates"],
        order_and_ship_time=given["order_and_ship_time"],
        depot_replenishment_time=given["depot_replenishment_time"],
    )
    stock = {"depot_stock": given["S_depot"], "base_stock": given["S_base"]}
    metric = approximate_two_echelon(network, **stock, two_moments=False)
    vari = approximate_two_echelon(network, **stock)
    assert evaluate_two_echelon(network, **stock).total_backorders == pytest.approx(expected["EBO_exact"], rel=1e-6)
    assert metric.total_backorders == pytest.approx(expected["EBO_metric"], rel=1e-6)
    assert vari.total_backorders == pytest.approx(expected["EBO_vari_metric"], rel=1e-6)
    assert (metric.method, vari.method) == ("METRIC", "VARI-METRIC")


def test_depot_pipeline_of_sherbrooke():
    """Sherbrooke, Optimal Inventory Modeling of Systems, chapter 3: 2.346."""
    case = next(c for c in CASES if c["id"] == "metric_sherbrooke_depot")
    given = case["parameters"]
    network = DepotAndBases(
        base_rate=[given["demand_per_year"]] * given["bases"],
        order_and_ship_time=0.01,
        depot_replenishment_time=given["depot_repair_time_years"],
        base_repair_share=given["fraction_base_repair"],
        base_repair_time=0.01,
    )
    assert network.depot_pipeline == pytest.approx(case["expected"]["depot_pipeline"], abs=0.0005)


def test_exact_backorders_agree_with_simulated_events():
    network = DepotAndBases(
        base_rate=[1.0, 2.5],
        order_and_ship_time=[0.7, 0.2],
        depot_replenishment_time=1.1,
        base_repair_share=[0.3, 0.0],
        base_repair_time=0.5,
    )
    exact = evaluate_two_echelon(network, depot_stock=2, base_stock=[1, 2])
    values = np.array([simulated(network, 2, [1, 2], 4000.0, seed) for seed in range(12)])
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    assert np.all(np.abs(values.mean(axis=0) - exact.expected_backorders) < 4 * error)


def simulated(network, depot_stock, base_stock, until, seed):
    """Mean backorders per base: every demand is followed through mending, the depot's queue and shipping.

    Under one-for-one replenishment the n-th request at the depot is filled by the unit that the (n - S)-th request
    sent for repair, and the k-th unit coming back to a base fills its (k + S)-th demand.
    """
    rng = np.random.default_rng(seed)
    requests, back = [], [[] for _ in base_stock]
    demands = []
    for base, rate in enumerate(network.base_rate):
        times = np.cumsum(rng.exponential(1 / rate, int(rate * until * 1.2)))
        times = times[times < until]
        demands.append(times)
        mended = rng.random(len(times)) < network.base_repair_share[base]
        back[base] += list(times[mended] + network.base_repair_time[base])
        requests += [(time, base) for time in times[~mended]]
    requests.sort()
    for number, (time, base) in enumerate(requests):
        filled = time
        if number >= depot_stock:
            filled = max(time, requests[number - depot_stock][0] + network.depot_replenishment_time)
        back[base].append(filled + network.order_and_ship_time[base])
    result = []
    for base, times in enumerate(demands):
        arrivals = np.sort(back[base])[: len(times)]
        stock = base_stock[base]
        waits = np.maximum(arrivals[: len(times) - stock] - times[stock:], 0.0)
        result.append(waits.sum() / until)
    return result


def test_allocation_beats_every_other_split():
    rng = np.random.default_rng(5)
    for _ in range(5):
        network = DepotAndBases(
            base_rate=rng.uniform(0.2, 2, 3),
            order_and_ship_time=rng.uniform(0, 1, 3),
            depot_replenishment_time=rng.uniform(0.5, 2),
        )
        best = optimize_two_echelon(network, total_stock=6)
        splits = [s for s in itertools.product(range(7), repeat=4) if sum(s) == 6]
        every = [evaluate_two_echelon(network, depot_stock=s[0], base_stock=s[1:]).total_backorders for s in splits]
        assert best.total_backorders == pytest.approx(min(every), rel=1e-10)
        assert best.depot_stock + best.base_stock.sum() == 6
        assert best.curve[-1] == pytest.approx(best.total_backorders, rel=1e-10)
        assert best.curve[3] == pytest.approx(optimize_two_echelon(network, total_stock=3).total_backorders, rel=1e-10)
        assert np.all(np.diff(best.curve) <= 0)


def test_no_stock_anywhere_leaves_every_unit_on_its_way_backordered():
    network = DepotAndBases(base_rate=[0.4, 3], order_and_ship_time=[1, 2], depot_replenishment_time=5)
    none = optimize_two_echelon(network, total_stock=0)
    assert none.expected_backorders == pytest.approx(np.array([0.4 * 6, 3 * 7]), rel=1e-12)
    assert none.mean_in_resupply == pytest.approx(none.expected_backorders, rel=1e-12)


def test_stock_of_the_wrong_length_is_refused():
    network = DepotAndBases(base_rate=[1, 2], order_and_ship_time=1, depot_replenishment_time=1)
    with pytest.raises(ArgumentError, match=r"one per base \(2\)"):
        evaluate_two_echelon(network, depot_stock=0, base_stock=[1, 2, 3])
