"""Coverage, utilization and effective savings rate of commitments, by hand, by brute force and by their identity."""

from dataclasses import replace

import numpy as np
import pytest

from capacity_opt import ArgumentError, measure_commitments, size_fleet
from capacity_opt.fleet.example import commitment_problem, example_problem


def identity(use):
    return use.coverage * (1 - use.rate_ratio / use.utilization)


def random_problem(seed):
    """Two families, one- and four-period commitments, demand that may run on either."""
    rng = np.random.default_rng(seed)
    base = commitment_problem()
    paths = rng.uniform(0, 100, (6, 1, 4, 1)).round(1)

    class Paths:
        def draw(self, count, *, seed):
            return paths, np.full(6, 1 / 6)

    options = replace(
        base.options,
        names=("on-demand", "short", "long"),
        kind=("on_demand", "commitment", "commitment"),
        server_type=np.zeros(3, dtype=int),
        region=np.zeros(3, dtype=int),
        price=np.array([rng.uniform(8, 12, 4), rng.uniform(6, 8, 4), rng.uniform(3, 7, 4)]),
        limit=np.full((3, 4), np.inf),
        term=np.array([1, 2, 4]),
        availability=np.ones(3),
    )
    return replace(base, demand=Paths(), options=options, integer=False), paths[:, 0, :, 0] / 10


def test_hand_checked_case():
    """Committed 4 x 4 months, of which 14 are used; 4 on demand; all prices 5 against 10."""
    use = measure_commitments(size_fleet(commitment_problem()), commitment_problem())
    assert (use.committed[0], use.used[0], use.commitment_charge[0], use.on_demand_charge[0]) == (160, 140, 80, 40)
    assert use.coverage == pytest.approx(14 / 18)
    assert use.effective_savings_rate == pytest.approx(1 - 120 / 180)


@pytest.mark.parametrize("seed", range(20))
def test_amounts_are_those_of_the_plan_counted_by_hand(seed):
    problem, servers = random_problem(seed)
    plan = size_fleet(problem)
    use = measure_commitments(plan, problem)
    price, term = problem.options.price, problem.options.term
    level = np.zeros(4)
    charge = 0.0
    for m, t in np.ndindex(plan.committed.shape):
        end = min(4, t + int(term[m]))
        level[t:end] += plan.committed[m, t]
        charge += plan.committed[m, t] * price[m, t] * (end - t)
    used = np.minimum(servers, level).mean(axis=0)
    short = np.maximum(servers - level, 0).mean(axis=0)
    assert use.committed[0] == pytest.approx(level @ price[0])
    assert use.used[0] == pytest.approx(used @ price[0])
    assert use.on_demand_charge[0] == pytest.approx(short @ price[0], abs=1e-6)
    assert use.commitment_charge[0] == pytest.approx(charge)
    assert use.effective_savings_rate == pytest.approx(
        1 - (charge + short @ price[0]) / (servers.mean(axis=0) @ price[0])
    )
    assert use.effective_savings_rate == pytest.approx(identity(use))


def test_commitment_that_covers_two_types_counts_use_of_both():
    base = commitment_problem()
    types = replace(
        base.server_types,
        names=("small", "large"),
        capacity=np.array([[10.0], [20.0]]),
        **{
            n: np.repeat(getattr(base.server_types, n), 2)
            for n in ("lot", "power_kw", "rack_units", "life", "failure_rate")
        },
    )
    wide = {
        n: np.repeat(getattr(base.supply, n), 2, axis=0)
        for n in ("price", "opex", "lead_time", "order_limit", "order_minimum", "placed", "initial", "retirable")
    }
    supply = replace(base.supply, **wide, retirement_cost=np.zeros(2), salvage=np.zeros(2))
    groups = replace(
        base.groups, performance=np.ones((1, 2)), compatible=np.ones((1, 2), dtype=bool), serve_cost=np.zeros((1, 2))
    )
    options = replace(base.options, covers=np.array([[1.0, 2.0], [1.0, 2.0]]))
    problem = replace(base, server_types=types, supply=supply, groups=groups, options=options)
    use, alone = (measure_commitments(size_fleet(p), p) for p in (problem, base))
    assert use.server_types == ("small",)
    for name in ("coverage", "utilization", "rate_ratio", "effective_savings_rate"):
        assert getattr(use, name) == pytest.approx(getattr(alone, name))


def test_of_one_type_is_its_share_and_other_names_are_refused():
    use = measure_commitments(size_fleet(commitment_problem()), commitment_problem())
    assert use.of("standard").coverage == use.coverage
    with pytest.raises(ArgumentError, match="server_type must be one of standard, got 'gpu'"):
        use.of("gpu")


def test_without_a_commitment_there_is_nothing_to_measure():
    problem = example_problem()
    with pytest.raises(ArgumentError, match="has no commitment"):
        measure_commitments(size_fleet(problem), problem)


def test_without_an_on_demand_price_there_is_nothing_to_compare_with():
    base = commitment_problem()
    problem = replace(base, options=replace(base.options, kind=("spot", "commitment")))
    with pytest.raises(ArgumentError, match="no on-demand price for standard"):
        measure_commitments(size_fleet(problem), problem)


def test_nothing_committed_leaves_the_measures_undefined_and_the_saving_zero():
    base = commitment_problem()
    problem = replace(base, options=replace(base.options, price=np.array([[10.0] * 4, [20.0] * 4])))
    use = measure_commitments(size_fleet(problem), problem)
    assert use.coverage == 0
    assert np.isnan(use.utilization)
    assert use.effective_savings_rate == 0
