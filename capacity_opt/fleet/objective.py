"""The objective: expected present value, or its mix with the conditional value at risk of cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.arrays import FIRST_STAGE, ModelBuilder
from capacity_opt.fleet.frame import Frame

Array = NDArray[np.float64]


def add_cost_at_risk(builder: ModelBuilder, frame: Frame) -> Array:
    """Rows and columns of (1 - w) E[cost] + w CVaR_a[cost]; returns the cost of every column, (columns,).

    What is decided before any sample is known costs the same in each, so it keeps its full weight. ``cost_var`` is the
    value at risk of the rest, ``cost_tail[s]`` what sample s costs beyond it: rows ``cost_above[s]``.
    """
    finance, outcomes = frame.problem.finance, frame.outcomes
    cost, sample = builder.column_costs(), builder.column_samples()
    w, tail_share = finance.risk_weight, 1.0 - finance.risk_level
    var = builder.columns("cost_var", [[""]], lower=-np.inf, cost=w)
    tail = builder.columns(
        "cost_tail",
        [frame.sample_labels],
        cost=w * outcomes.probability / tail_share,
        sample=np.arange(outcomes.count),
    )
    above = builder.rows("cost_above", [frame.sample_labels], lower=0.0)
    builder.add(above, tail, 1.0)
    builder.add(above, var, 1.0)
    later = np.flatnonzero((sample != FIRST_STAGE) & (cost != 0))
    own = sample[later]
    builder.add(above[own], later.astype(np.int64), -cost[later] / outcomes.probability[own])
    mixed = np.where(sample == FIRST_STAGE, cost, (1.0 - w) * cost)
    return np.concatenate([mixed, builder.column_costs()[len(cost) :]])
