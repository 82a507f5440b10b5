import itertools

import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.inventory.two_echelon import evaluate_two_echelon, optimize_two_echelon
from capacity_opt.problem.network import DepotAndBases


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
    with pytest.raises(ArgumentError, match="total_stock must be one number, got 2"):
        optimize_two_echelon(network, total_stock=[1, 2])


def test_a_network_too_large_for_the_exact_model_is_refused():
    network = DepotAndBases(base_rate=[1e6, 2e6], order_and_ship_time=0, depot_replenishment_time=1)
    with pytest.raises(ArgumentError, match=r"the depot's pipeline .* must be in \[0, 20000\], got 3e\+06"):
        evaluate_two_echelon(network, depot_stock=0, base_stock=0)


def test_a_large_depot_is_exact_too():
    """Without base stock, what is on its way is all backordered; its mean is known in closed form."""
    network = DepotAndBases(base_rate=[300, 700], order_and_ship_time=0.1, depot_replenishment_time=1)
    found = evaluate_two_echelon(network, depot_stock=990, base_stock=0)
    assert found.expected_backorders == pytest.approx(found.mean_in_resupply, rel=1e-10)
