"""Why no plan exists, in words: which promise fails, when, by how much, what stands in the way, and what would help.

Every requirement gets a named slack. Solved once with slack on the promises only, the continuous relaxation says which
of them must fail and what binds meanwhile (:mod:`.causes`); solved again with slack on one kind of limit at a time, or
with shorter lead times, it says how far that alone would have to move (:mod:`.remedies`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from capacity_opt.fleet.arrays import Block
from capacity_opt.fleet.causes import MOST_LINES, failures
from capacity_opt.fleet.elastic import NOTICEABLE, elastic, in_use
from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.fleet.remedies import remedies
from capacity_opt.solvers.solve import solve

PROMISES = ("demand", "protected", "fill_rate", "chance", "shortage_cvar", "utilization")

UNEXPLAINED = "why could not be worked out in time: ask again with fewer samples (--set fleet.samples=3)"


def explain(model: FleetModel, *, time_limit: float = 60.0) -> tuple[str, ...]:
    """Lines for an :class:`~capacity_opt.errors.InfeasibleError`: failing promises, then fixes, smallest first."""
    blocks = _promise_rows(model)
    program, slacks = elastic(model, blocks)
    found = solve(program, time_limit=time_limit)
    if found.x is None:
        return _contradiction(model, time_limit) if found.reason == "infeasible" else (UNEXPLAINED,)
    whole = found.objective <= NOTICEABLE and bool(model.lp.integer.any())
    note = []
    if whole:
        note = ["orders come in whole racks: with parts of a rack it could be done"]
        found = solve(elastic(model, blocks, whole=True)[0], time_limit=time_limit)
    if found.x is None:
        return (*note, "whole racks do not fit the limits, whatever is promised")
    lines = failures(model, found, slacks)
    fixes = remedies(model, time_limit, whole=whole)
    if not fixes:
        return (*note, *lines, "no single limit explains it: at least two must move together")
    return (*note, *lines, f"cheapest fix: {fixes[0]}", *(f"or: {fix}" for fix in fixes[1:4]))


def _promise_rows(model: FleetModel) -> dict[str, Block]:
    """The rows that hold a promise; demand is one only where no shortage is allowed."""
    blocks = {name: block for name, block in model.row_blocks.items() if name.startswith(PROMISES)}
    demand, firm = blocks["demand"], ~model.frame.problem.service.shortage_allowed
    index = np.where(firm[:, None, None, None], demand.index, -1)
    return {**blocks, "demand": replace(demand, index=index)}


def _contradiction(model: FleetModel, time_limit: float) -> tuple[str, ...]:
    """The limits contradict each other whatever is promised: relax them and name those that move; the balance of
    stock itself only if that is not enough."""
    for kept in (("demand", "stock_balance"), ("demand",)):
        blocks = {name: block for name, block in model.row_blocks.items() if name not in kept}
        program, slacks = elastic(model, blocks, order_limit=True)
        found = solve(program, time_limit=time_limit)
        if found.x is not None:
            moved = in_use(found.x[model.lp.columns :], slacks)
            told = [f"{slack.label} broken by {value:.6g}" for value, slack in moved[:MOST_LINES]]
            return ("limits contradict each other whatever is promised:", *told)
        if found.reason != "infeasible":
            return (UNEXPLAINED,)
    return ("the limits contradict each other; no smaller set was found in time",)
