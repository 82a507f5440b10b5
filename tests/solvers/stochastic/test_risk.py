"""Risks in the decomposition: paid for, limited, beside rows of expectations; equal to the extensive form."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from capacity_opt.solvers.stochastic.benders import continue_search, start_search
from capacity_opt.solvers.stochastic.checking import check_decomposition
from capacity_opt.solvers.stochastic.program import Risk, TwoStageProgram
from capacity_opt.solvers.stochastic.risk import worst_density
from tests.solvers.stochastic.test_benders import random_program
from tests.solvers.stochastic.test_coupling import by_extensive_form, coupled

LEVELS = (0.3, 0.8, 0.95)


def risky(seed: int, *, samples: int = 9, tied: bool = False, complete: bool = True) -> TwoStageProgram:
    """A random program that pays for the CVaR of its cost, limits that of shortage, or both."""
    rng = np.random.default_rng(7_000 + seed)
    program = (coupled if tied else random_program)(seed, samples=samples, complete=complete)
    family, first = program.families[0], program.first
    paid, limited = seed % 3 != 1, seed % 3 != 0
    weight = float(rng.choice([0.3, 0.7, 1.0])) if paid else 0.0
    services, n = len(family.random_rows), len(family.cost)
    demand = sum(float(group.probability @ group.values.sum(axis=1)) for group in family.groups)
    groups = []
    for group in family.groups:
        rows = []
        if paid:
            rows.append(group.weight * family.cost)
        if limited:
            rows.append(np.concatenate([np.zeros(n - services), rng.uniform(0.5, 1.5, services)]))
        like = family.groups[0].probability
        groups.append(replace(group, weight=(1 - weight) * group.weight, at_risk=np.array(rows), probability=like))
    cost, upper = [weight] * paid + [0.0] * limited, [np.inf] * paid + [rng.uniform(0.2, 0.9) * demand] * limited
    level = float(rng.choice(LEVELS))
    wide = replace(
        first,
        cost=np.concatenate([first.cost, cost]),
        matrix=sparse.csr_array(sparse.hstack([first.matrix, sparse.csr_array((first.rows, len(cost)))])),
        column_lower=np.concatenate([first.column_lower, np.full(len(cost), -np.inf)]),
        column_upper=np.concatenate([first.column_upper, upper]),
        integer=np.concatenate([first.integer, np.zeros(len(cost), dtype=bool)]),
    )
    groups = [replace(g, technology=widened(g.technology, len(cost))) for g in groups]
    coupling = program.coupling
    if coupling is not None:
        coupling = replace(coupling, matrix=widened(coupling.matrix, len(cost)))
    risks = tuple(Risk(column=first.columns + i, level=level) for i in range(len(cost)))
    families = (replace(family, groups=tuple(groups)),)
    return TwoStageProgram(first=wide, families=families, coupling=coupling, risks=risks)


def widened(matrix, more):
    return sparse.csr_array(sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], more))]))


def agrees(program: TwoStageProgram, gap: float = 1e-6) -> bool:
    truth = by_extensive_form(program)
    search = start_search(program)
    answer = continue_search(search, gap=gap, time_limit=5)
    if truth is None:
        assert answer.reason in {"infeasible", "no_solution"}
        return False
    hard = program.coupling is not None or bool(program.first.integer.any())
    if hard and answer.reason == "feasible":  # ended without: the bracket must still be true
        assert answer.bound <= truth + 1e-8 * abs(truth)
        assert answer.objective >= truth - 2 * gap * abs(truth)
        return False
    assert answer.reason == "optimal"
    assert answer.objective == pytest.approx(truth, rel=2 * gap)
    assert answer.bound <= truth + 1e-8 * abs(truth) + gap * abs(truth) * program.first.integer.any()
    broken = [str(check) for check in check_decomposition(search, answer, gap) if not check.passed]
    assert not broken
    return True


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("block", range(2))
def test_risks_equal_the_extensive_form(block, tied):
    solved = sum(agrees(risky(seed, tied=tied, complete=seed % 4 != 0)) for seed in range(9 * block, 9 * block + 9))
    assert solved >= 4


def test_risks_with_whole_numbers():
    solved = 0
    for seed in range(42, 46):
        program = risky(seed, samples=6)
        whole = np.arange(program.first.columns) % 2 == 0
        whole[[risk.column for risk in program.risks]] = False
        solved += agrees(replace(program, first=replace(program.first, integer=whole)))
    assert solved >= 2


def test_the_worst_density_splits_the_sample_at_the_value_at_risk():
    density = worst_density(np.array([5.0, 1.0, 3.0]), np.array([0.2, 0.5, 0.3]), 0.6)
    assert density == pytest.approx([0.5, 0.0, 0.5])
