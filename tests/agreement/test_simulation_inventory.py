"""Every policy's formula against the judge, which shares no code with it: cost and service inside the intervals.

Intervals are at 99.9 % because several hundred comparisons are made; the seeds are fixed.
"""

import numpy as np
import pytest

from capacity_opt import (
    BaseStock,
    EchelonBaseStock,
    Gamma,
    Item,
    NegativeBinomial,
    Normal,
    Poisson,
    ReorderPointOrderQuantity,
    ReorderPointOrderUpTo,
    simulate,
)
from capacity_opt.inventory.base_stock import evaluate_base_stock, optimize_base_stock
from capacity_opt.inventory.finite_horizon import optimize_finite_horizon
from capacity_opt.inventory.rq import evaluate_rq
from capacity_opt.inventory.serial import evaluate_serial
from capacity_opt.inventory.ss import evaluate_ss
from capacity_opt.problem.network import SerialSystem
from capacity_opt.simulation.lead_times import LeadTimeProcess
from capacity_opt.simulation.verdict import judge

LEVEL = 0.999
SERVICE = ("fill_rate", "no_stockout", "ready_rate", "gamma", "on_hand", "cycle_service_level")
MODEL = {"holding_cost": 1.0, "stockout_cost": [4.0, 9.0, 19.0], "lead_time": [0, 2, 5], "review_period": [1, 1, 3]}
DEMANDS = {
    "poisson": Poisson(mean=[5.0, 0.4, 12.0]),
    "negative binomial": NegativeBinomial(mean=[4.0, 2.0, 6.0], variance=[9.0, 4.0, 30.0]),
    "gamma": Gamma(mean=[10.0, 30.0, 5.0], sd=[4.0, 30.0, 3.0]),
    "normal": Normal(mean=[50.0, 80.0, 20.0], sd=[8.0, 20.0, 5.0]),
}


def held(judged, exact, names):
    for name in names:
        measured, formula = getattr(judged, name), np.asarray(getattr(exact, name))
        assert np.all(measured.covers(formula)), (name, measured, formula)


@pytest.mark.parametrize("name", DEMANDS)
def test_base_stock(name):
    demand = DEMANDS[name]
    exact = optimize_base_stock(demand, **MODEL)
    judged = simulate(exact, demand, Item(**MODEL), periods=600, seed=31, level=LEVEL)
    held(judged, exact, SERVICE)
    assert np.all(judged.cost.covers(exact.expected_cost))
    assert np.all(judged.backorders.covers(exact.expected_backorders))
    # Orders hardly ever fail to come: the interval may have no width.
    assert np.all(
        judged.orders.covers(exact.orders_per_period) | np.isclose(judged.orders.value, exact.orders_per_period)
    )


@pytest.mark.parametrize(
    ("review", "name"),
    [(0, "poisson"), (1, "poisson"), (2, "poisson"), (1, "negative binomial"), (2, "negative binomial")],
)
def test_reorder_point_and_quantity(review, name):
    demand = DEMANDS[name]
    policy = ReorderPointOrderQuantity(reorder_point=[6, 2, 30], order_quantity=[12, 3, 25])
    model = MODEL | {"fixed_cost": 20.0, "review_period": review, "lead_time": [1, 2, 3]}
    exact = evaluate_rq(policy, demand, **model)
    judged = simulate(policy, demand, Item(**model), periods=800, seed=32, level=LEVEL)
    held(judged, exact, ("fill_rate", "on_hand"))
    assert np.all(judged.cost.covers(exact.expected_cost))
    assert np.all(judged.orders.covers(exact.orders_per_period))


@pytest.mark.parametrize("name", ["poisson", "negative binomial"])
def test_reorder_point_and_level(name):
    demand = DEMANDS[name]
    policy = ReorderPointOrderUpTo(reorder_point=[6, 2, 30], order_up_to_level=[18, 5, 60])
    model = MODEL | {"fixed_cost": 20.0, "lead_time": [0, 2, 3]}
    exact = evaluate_ss(policy, demand, **model)
    judged = simulate(policy, demand, Item(**model), periods=1200, seed=33, level=LEVEL)
    held(judged, exact, ("fill_rate", "on_hand"))
    assert np.all(judged.cost.covers(exact.expected_cost))
    assert np.all(judged.orders.covers(exact.orders_per_period))


def test_levels_that_change_from_period_to_period():
    demands = [Poisson(mean=m) for m in (20.0, 40.0, 60.0, 40.0)]
    best = optimize_finite_horizon(demands, holding_cost=1, stockout_cost=10, fixed_cost=100)
    item = Item(holding_cost=1, stockout_cost=10, fixed_cost=100)
    judged = simulate(best, demands, item, periods=4, replications=20000, seed=34, initial_stock=0.0, level=LEVEL)
    assert judged.cost.covers(float(best.expected_cost) / 4)


@pytest.mark.parametrize("process", ["sequential", "persistent"])
def test_random_lead_times_fed_with_the_lead_time_met(process):
    lead = LeadTimeProcess(pmf={1: 0.3, 2: 0.5, 4: 0.2}, process=process)
    met = {periods: p for periods, p in enumerate(lead.effective().tolist()) if p > 1e-12}
    demand = Poisson(mean=10.0)
    exact = evaluate_base_stock(BaseStock(base_stock_level=48), demand, holding_cost=1, stockout_cost=9, lead_time=met)
    item = Item(holding_cost=1, stockout_cost=9)
    judged = simulate(exact, demand, item, lead_time=lead, periods=300, replications=3000, seed=35, level=LEVEL)
    held(judged, exact, ("fill_rate", "no_stockout", "ready_rate", "on_hand"))
    assert judged.cost.covers(float(exact.expected_cost))


def test_serial_line_in_continuous_time_is_played_in_parts_of_a_period():
    policy = EchelonBaseStock(echelon_base_stock_level=[8, 13, 18, 22])
    system = SerialSystem(echelon_holding_cost=[0.25] * 4, lead_time=[0.25] * 4, stockout_cost=9.0)
    exact = float(evaluate_serial(policy, system, Poisson(mean=16.0)).expected_cost)
    quarter = SerialSystem(echelon_holding_cost=[0.0625] * 4, lead_time=[1.0] * 4, stockout_cost=2.25)
    judged = simulate(policy, Poisson(mean=4.0), quarter, periods=800, seed=36, level=LEVEL)
    assert judged.cost.covers(exact / 4)


def test_a_wrong_formula_is_caught_by_the_verdict(monkeypatch):
    """The classic slip: protecting for the lead time only. The formula then believes itself; the judge does not."""
    from capacity_opt.inventory import base_stock

    right = base_stock.exposure

    def forgets_the_review_period(demand, *, lead_time, **rest):
        return right(demand, lead_time=np.asarray(lead_time) - 1, **rest)

    monkeypatch.setattr(base_stock, "exposure", forgets_the_review_period)
    wrong = optimize_base_stock(Poisson(mean=5.0), holding_cost=1, fill_rate=0.95, lead_time=2)
    assert float(wrong.fill_rate) >= 0.95
    judged = simulate(wrong, Poisson(mean=5.0), Item(holding_cost=1, lead_time=2), seed=37)
    verdict = judge(0.95, judged.fill_rate, subject="item", measure="fill_rate", promised=float(wrong.fill_rate))
    assert verdict.outcome == "not_kept"
