"""The array builder and the Pyomo book are the same model, coefficient by coefficient."""

from __future__ import annotations

import numpy as np
import pytest

from capacity_opt.fleet.formulation import build_model
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.fleet.reference.model import reference_from
from capacity_opt.fleet.reference.standard_form import linear_program_of
from tests.agreement.random_fleets import FEATURES, random_fleet

SEEDS = range(60)


def differences(problem, formulation, failures="exact"):
    """What differs between the two, in words; empty when nothing does."""
    outcomes = draw_outcomes(problem)
    arrays = build_model(problem, outcomes, formulation, failures).lp
    book = linear_program_of(
        reference_from(problem, outcomes, formulation, failures),
        columns=arrays.column_names(),
        rows=arrays.row_names(),
    )
    found = [f"only in the book: {name}" for name in book.column_names()[arrays.columns :]]
    found += [f"only in the book: {name}" for name in book.row_names()[arrays.rows :]]
    if found:
        return found
    for what in ("cost", "column_lower", "column_upper", "integer", "row_lower", "row_upper"):
        names = arrays.row_names() if what.startswith("row") else arrays.column_names()
        mine, other = getattr(arrays, what), getattr(book, what)
        same = (mine == other) | np.isclose(mine, other, rtol=1e-9, atol=1e-12)
        found += [f"{what} of {names[i]}: {mine[i]} and {other[i]}" for i in np.flatnonzero(~same)]
    gap = (arrays.matrix - book.matrix).tocoo()
    far = np.abs(gap.data) > 1e-9
    rows, columns = gap.coords[0][far], gap.coords[1][far]
    found += [f"{arrays.row_names()[i]}, {arrays.column_names()[j]}" for i, j in zip(rows, columns)]
    if abs(arrays.offset - book.offset) > 1e-9 * max(1.0, abs(arrays.offset)):
        found.append(f"offset {arrays.offset} and {book.offset}")
    return found


def formulations(problem):
    yield from ("two_stage", "deterministic")
    if not np.isnan(problem.service.no_shortage_probability).all():
        yield "chance"
    if problem.finance.risk_weight > 0 or not np.isnan(problem.service.shortage_cvar_limit).all():
        yield "cvar"


@pytest.mark.parametrize("seed", SEEDS)
def test_both_models_are_the_same(seed):
    problem, _ = random_fleet(seed, share=(0.3, 0.5, 0.8)[seed % 3])
    for formulation in formulations(problem):
        assert differences(problem, formulation) == []
    assert differences(problem, "two_stage", "pooled") == []


def test_every_feature_is_switched_on_and_off_and_leaves_its_blocks():
    seen, blocks = dict.fromkeys(FEATURES, 0), set()
    for seed in SEEDS:
        problem, features = random_fleet(seed, share=(0.3, 0.5, 0.8)[seed % 3])
        for name in features:
            seen[name] += 1
        model = build_model(problem, draw_outcomes(problem), "cvar" if problem.finance.risk_weight else "two_stage")
        used = {**model.row_blocks, **model.column_blocks}
        blocks |= {name.split("_without_")[0] for name, block in used.items() if np.any(block.index >= 0)}
    assert all(5 <= count <= len(SEEDS) - 5 for count in seen.values()), seen
    assert blocks >= {
        *("racks", "recourse_racks", "retired", "stock", "committed", "served", "unmet", "bought"),
        *("stock_balance", "retirable", "never_shrink", "never_grow", "demand", "capacity", "option_limit"),
        *("power", "rack_units", "space", "capex_budget", "cumulative_budget", "opex_budget", "commitment_limit"),
        *("order_minimum", "order_maximum", "ordered", "change", "more", "fewer", "utilization"),
        *(
            "change_least_up",
            "change_most_up",
            "change_least_down",
            "change_most_down",
            "goes_up",
            "goes_down",
            "change_either",
        ),
        *("fill_rate", "chance", "shortage_happens", "unmet_only_if", "chance_quantile"),
        *("shortage_cvar", "shortage_above", "shortage_var", "shortage_tail"),
        *("cost_var", "cost_tail", "cost_above", "protected", "protection", "unprotected"),
    }


def test_a_planted_difference_is_found(monkeypatch):
    from capacity_opt.fleet.reference import recourse

    problem, _ = random_fleet(1)
    monkeypatch.setattr(recourse, "protected_share", lambda data, j, lost: 0.5)
    monkeypatch.setattr("capacity_opt.fleet.reference.objective.serving_cost", lambda data, lane: 99.0)
    assert differences(problem, "two_stage") != []
