"""Random small fleets with outages that last, late deliveries, substitution, spill and spot taken away.

The judge against plain loops, and the optimiser's cost of a plan against what the judge finds on the same samples.
"""

import numpy as np
import pytest

from capacity_opt import evaluate_fleet, simulate_fleet
from tests.agreement.plain_judge import judge
from tests.agreement.unseen_fleets import unseen

SEEDS = (4, 6, 13, 21, 28)  # 4 and 21: demand pinned to a zone that a sample loses


def disagreements(seed):
    """What the judge, plain loops and the optimiser say differently about one fleet."""
    problem, plan = unseen(seed)
    any_price, found = np.full(problem.sizes["J"], np.inf), []
    measures, money = judge(problem, plan)
    judged = {how: simulate_fleet(plan, problem, seed=1, dispatch=how, shortage_worth=any_price)
              for how in ("optimal", "exact")}  # fmt: skip
    for how, told in judged.items():
        for name, value in measures.items():
            if not np.allclose(getattr(told, name).value, value, atol=1e-5, equal_nan=True):
                found.append(f"{seed} {how} {name}: judge {getattr(told, name).value}, plain {value}")
    cost = {name: float(estimate.value) for name, estimate in judged["optimal"].cost.items()}
    for names in (("opex",), ("substitution", "spill", "on_demand", "spot"), ("penalty",)):
        ours, plain = (sum(each.get(name, 0.0) for name in names) for each in (cost, money))
        if not np.isclose(ours, plain, rtol=1e-5, atol=0.1):
            found.append(f"{seed} {'+'.join(names)}: judge {ours}, plain {plain}")
    optimiser, total = evaluate_fleet(plan, problem).objective, float(judged["optimal"].total_cost.value)
    if not np.isclose(optimiser, total, rtol=1e-6):
        found.append(f"{seed} cost: optimiser {optimiser}, judge {total}")
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_judge_plain_loops_and_optimiser_agree(seed):
    assert disagreements(seed) == []
