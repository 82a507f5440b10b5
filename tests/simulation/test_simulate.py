"""The inventory simulation against formulas written out here."""

import numpy as np
import pytest
from scipy import stats

from capacity_opt import (
    ArgumentError,
    BaseStock,
    CappedBaseStock,
    Item,
    ReorderPointOrderQuantity,
    ReorderPointOrderUpTo,
    TimeVaryingOrderUpTo,
    simulate,
)
from capacity_opt.demand.counts import Poisson
from capacity_opt.simulation.lead_times import LeadTimeProcess
from capacity_opt.simulation.period_play import MEASURES, Play, play
from capacity_opt.simulation.replay import replay

LEVEL = 0.999


def expected_left(level, mean):
    x = np.arange(0, int(level) + 1)
    return float(np.sum((level - x) * stats.poisson.pmf(x, mean)))


def base_stock_truth(level, mean, lead, review=1):
    """Every period of a review cycle sees lead + 1 ... lead + review periods of demand."""
    spans = [lead + 1 + k for k in range(review)]
    on_hand = np.mean([expected_left(level, mean * span) for span in spans])
    backorders = np.mean([expected_left(level, mean * span) - level + mean * span for span in spans])
    served = sum(expected_left(level, mean * (span - 1)) - expected_left(level, mean * span) for span in spans)
    return {
        "on_hand": on_hand,
        "backorders": backorders,
        "fill_rate": served / (mean * review),
        "no_stockout": np.mean([stats.poisson.cdf(level, mean * span) for span in spans]),
        "ready_rate": np.mean([stats.poisson.cdf(level - 1, mean * span) for span in spans]),
        "cycle_service_level": stats.poisson.cdf(level, mean * spans[-1]),
        "gamma": 1 - backorders / mean,
        "holding": on_hand,
        "stockout": 9 * backorders,
        "cost": on_hand + 9 * backorders + 3 * (1 - np.exp(-mean * review)) / review,
    }


@pytest.mark.parametrize(
    ("mean", "level", "lead", "review"), [(5.0, 6, 0, 1), (5.0, 20, 2, 1), (1.5, 9, 1, 3), (0.3, 1, 4, 1)]
)
def test_base_stock_agrees_with_the_closed_form(mean, level, lead, review):
    item = Item(holding_cost=1, stockout_cost=9, fixed_cost=3, lead_time=lead, review_period=review)
    judged = simulate(BaseStock(base_stock_level=level), Poisson(mean=mean), item, periods=1200, seed=11, level=LEVEL)
    for name, truth in base_stock_truth(level, mean, lead, review).items():
        assert getattr(judged, name).covers(float(truth)), (name, truth, getattr(judged, name))


def test_multiples_of_a_lot_agree_with_the_mean_over_positions():
    r, q, mean = 3, 20, 5.0
    item = Item(holding_cost=1, stockout_cost=9, fixed_cost=32)
    policy = ReorderPointOrderQuantity(reorder_point=r, order_quantity=q)
    judged = simulate(policy, Poisson(mean=mean), item, periods=1000, seed=3, level=LEVEL)
    left = [expected_left(y, mean) for y in range(r + 1, r + q + 1)]
    cost = np.mean([10 * e - 9 * (y - mean) for e, y in zip(left, range(r + 1, r + q + 1))])
    ordering = 32 * np.sum(stats.poisson.sf(np.arange(q), mean)) / q
    assert judged.cost.covers(float(cost + ordering))
    assert judged.ordering.covers(float(ordering))


def test_order_up_to_agrees_with_renewal_theory():
    s, top, mean = 6, 40, 10.0
    steps = top - s
    density = np.zeros(steps)
    mass = stats.poisson.pmf(np.arange(steps), mean)
    density[0] = 1 / (1 - mass[0])
    for j in range(1, steps):
        density[j] = mass[1 : j + 1] @ density[:j][::-1] / (1 - mass[0])
    share = density / density.sum()
    levels = top - np.arange(steps)
    cost = float(share @ [10 * expected_left(y, mean) - 9 * (y - mean) for y in levels] + 64 / density.sum())
    item = Item(holding_cost=1, stockout_cost=9, fixed_cost=64)
    policy = ReorderPointOrderUpTo(reorder_point=s, order_up_to_level=top)
    judged = simulate(policy, Poisson(mean=mean), item, periods=1000, seed=5, level=LEVEL)
    assert cost == pytest.approx(35.02155527232042)
    assert judged.cost.covers(cost)
    assert judged.orders.covers(float(1 / density.sum()))


def test_lost_sales_with_lead_time_zero_is_a_newsvendor_each_period():
    item = Item(holding_cost=1, stockout_cost=4)
    judged = simulate(
        BaseStock(base_stock_level=7), Poisson(mean=5.0), item, seed=2, lost_sales=True, level=LEVEL, periods=1000
    )
    left = expected_left(7, 5.0)
    assert judged.on_hand.covers(left)
    assert judged.lost.covers(left - 7 + 5)
    assert judged.backorders.value == 0


def test_items_share_demand_given_by_scalars_and_one_item_equals_its_row():
    item = Item(holding_cost=1, stockout_cost=9, lead_time=[0, 2], review_period=1)
    both = simulate(BaseStock(base_stock_level=[6, 20]), Poisson(mean=5.0), item, seed=1, warm_up=30)
    one = simulate(
        BaseStock(base_stock_level=20),
        Poisson(mean=5.0),
        Item(holding_cost=1, stockout_cost=9, lead_time=2),
        seed=1,
        warm_up=30,
    )
    assert one.cost.value == both.cost.value[1]
    assert one.fill_rate.high == both.fill_rate.high[1]


def test_same_seed_same_result_and_other_seed_other_result():
    item = Item(holding_cost=1, stockout_cost=9)
    first, second, other = (simulate(BaseStock(base_stock_level=6), Poisson(mean=5.0), item, seed=s) for s in (4, 4, 5))
    assert first == second
    assert first.cost.value != other.cost.value


@pytest.mark.parametrize("lost_sales", [False, True])
def test_compiled_loop_and_its_numpy_twin_agree(lost_sales):
    pytest.importorskip("numba")
    from capacity_opt.simulation.period_play_compiled import play_cells

    rng = np.random.default_rng(0)
    n, replications, periods = 30, 4, 80
    lot = np.where(np.arange(n) % 3 == 0, 7.5, 0.0)
    trigger = rng.integers(0, 10, (n, 2)).astype(float)
    lead = rng.integers(0, 5, (replications, n, periods))
    inputs = Play(
        demand=rng.gamma(2.0, 2.0, (replications, n, periods)) * (rng.random((replications, n, periods)) < 0.7),
        lead=lead,
        trigger=trigger,
        up_to=trigger + rng.integers(0, 9, (n, 2)),
        lot=lot,
        cap=np.where(np.arange(n) % 4 == 0, 5.0, np.inf),
        review=rng.integers(1, 4, n),
        net=rng.normal(5, 3, (replications, n)),
        lost_sales=lost_sales,
        every_review=False,
        warm_up=7,
        due=rng.integers(0, 3, (n, 4)).astype(float),
    )
    out = np.empty((replications, n, len(MEASURES)))
    play_cells(
        inputs.demand, inputs.lead, inputs.trigger, inputs.up_to, inputs.lot, inputs.cap, inputs.review, inputs.net,
        inputs.lost_sales, inputs.every_review, inputs.warm_up, inputs.due, inputs.slots, out,
    )  # fmt: skip
    np.testing.assert_array_equal(np.moveaxis(out, 2, 0), play(inputs))


def test_unknown_policy_names_those_that_are_known():
    with pytest.raises(ArgumentError, match="policy must be one of .*BaseStock.* got str"):
        simulate("base stock", Poisson(mean=5.0), Item(holding_cost=1), seed=1)


def test_a_fractional_lead_time_is_refused_under_periodic_review():
    with pytest.raises(ArgumentError, match="lead_time .* whole number"):
        simulate(BaseStock(base_stock_level=5), Poisson(mean=5.0), Item(holding_cost=1, lead_time=1.5), seed=1)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ArgumentError, match="do not broadcast"):
        simulate(BaseStock(base_stock_level=[1, 2]), Poisson(mean=[1.0, 2.0, 3.0]), Item(holding_cost=1), seed=1)


PMF = {1: 0.3, 2: 0.5, 4: 0.2}


@pytest.mark.parametrize("process", ["sequential", "persistent"])
def test_random_lead_times_are_a_mixture_over_the_lead_time_met(process):
    lead = LeadTimeProcess(pmf=PMF, process=process)
    item = Item(holding_cost=1, stockout_cost=9)
    policy = BaseStock(base_stock_level=50)
    judged = simulate(
        policy, Poisson(mean=10.0), item, lead_time=lead, periods=400, replications=2000, seed=6, level=LEVEL
    )
    spans = [(p, base_stock_truth(50, 10.0, span)) for span, p in enumerate(lead.effective()) if p > 0]
    for name in ("on_hand", "backorders", "fill_rate", "no_stockout", "ready_rate"):
        assert getattr(judged, name).covers(float(sum(p * truth[name] for p, truth in spans))), name
    if process == "persistent":
        assert judged.cost.covers(24.635831129669484)  # the mixture's published cost


def test_demand_and_levels_that_vary_over_a_season():
    means = [2.0, 8.0, 5.0]
    levels = np.array([4.0, 11.0, 7.0])
    policy = TimeVaryingOrderUpTo(reorder_point=levels, order_up_to_level=levels)
    item = Item(holding_cost=1, stockout_cost=9)
    demand = [Poisson(mean=m) for m in means]
    judged = simulate(policy, demand, item, periods=600, seed=8, warm_up=30, level=LEVEL)
    position, left = levels[0], []
    # With lead time 0 and S_t below what is left over, nothing is ordered: enumerate the position's distribution.
    size = 40
    state = np.zeros(size)
    state[0] = 1.0
    for period in range(300):
        t = period % 3
        top = int(levels[t])
        ordered = state.copy()
        ordered[top] += ordered[:top].sum()
        ordered[:top] = 0.0
        after = np.zeros(size)
        backorders = 0.0
        for x in range(top, size):
            if ordered[x] > 0:
                mass = stats.poisson.pmf(np.arange(x), means[t])
                after[x - np.arange(x)] += ordered[x] * mass
                after[0] += ordered[x] * (1 - mass.sum())
                backorders += ordered[x] * (expected_left(x, means[t]) - x + means[t])
        state = after
        left.append(after @ np.arange(size) + 9 * backorders)
    assert position == 4
    assert judged.cost.covers(float(np.mean(left[-3:])))


def test_capped_orders_follow_their_markov_chain():
    level, cap, mean = 9, 3, 2.0
    size = 60
    moves = np.zeros((size, size))
    cost = np.zeros(size)
    for below in range(size):  # position = level - below, before ordering
        start = below - min(below, cap)
        mass = stats.poisson.pmf(np.arange(size), mean)
        for d, p in enumerate(mass):
            moves[below, min(size - 1, start + d)] += p
        moves[below, size - 1] += 1 - mass.sum()
        net = level - start
        left = expected_left(net, mean) if net > 0 else 0.0
        cost[below] = left + 9 * (left - net + mean)
    steady = np.linalg.matrix_power(moves, 4096)[0]
    item = Item(holding_cost=1, stockout_cost=9)
    policy = CappedBaseStock(base_stock_level=level, order_cap=cap)
    judged = simulate(policy, Poisson(mean=mean), item, periods=1500, warm_up=300, seed=9, level=LEVEL)
    assert judged.cost.covers(float(steady @ cost))


def test_given_paths_are_replayed_as_they_are():
    paths = np.random.default_rng(1).poisson(4.0, (5, 20, 3)).astype(float)
    item = Item(holding_cost=1, stockout_cost=9, fixed_cost=2, lead_time=[0, 1, 2])
    policy = BaseStock(base_stock_level=[5, 9, 14])
    played = simulate(policy, paths, item, periods=20, replications=5, seed=0, initial_stock=[5, 9, 14])
    for r in range(5):
        np.testing.assert_allclose(replay(policy, paths[r].T, item).cost / 20, played.cost_by_replication[r])


@pytest.mark.parametrize("compiled", ["0", "1"])
def test_what_is_on_order_at_the_start_arrives_when_it_is_due(compiled, monkeypatch):
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", compiled)
    item = Item(holding_cost=1, stockout_cost=9, lead_time=2)
    found = replay(BaseStock(base_stock_level=5), [2, 1, 4, 1], item, lost_sales=True, initial_stock=1, on_order=[0, 3])
    # Orders 1, 1, 1, 3; stock after arrivals 1, 3, 3, 1.
    assert (found.filled, found.on_hand, found.ordered) == (6, 2, 6)
    assert found.cost == 2 + 9 * 2
    assert found.orders == 4


def test_stock_on_order_for_other_items_is_refused():
    with pytest.raises(ArgumentError, match=r"on_order must have shape \(k,\) or \(2, k\)"):
        replay(BaseStock(base_stock_level=[5, 5]), np.ones((2, 4)), Item(holding_cost=1), on_order=np.ones((3, 1)))
