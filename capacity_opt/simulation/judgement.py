"""What the fleet simulation measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.plan import Utilization
from capacity_opt.simulation.estimate import Estimate
from capacity_opt.simulation.verdict import Verdict, promise_kept

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class FleetJudgement:
    """A fleet plan played on samples that the optimiser never saw; estimates carry arrays over classes (C,).

    ``fill`` = 1 - E[unmet]/E[demand]; ``fill_by_period`` (C, T); ``no_shortage_per_period`` mean over periods of
    P(no unmet demand of the class in the period); ``no_shortage_joint`` P(none in any period); ``unmet`` expected
    units per horizon, blocks weighted by their share, and ``turned_away`` what part of it admission refused;
    ``shortage_cvar`` mean of the worst share of total unmet (the share of ``ServiceTargets.shortage_cvar_level``, 5 %
    where none is given). ``fill_while_zone_lost`` over the periods in which a zone has less than 0.9 of its servers
    (NaN where that never happened). ``utilization``: the four numbers. ``cost`` present value by component,
    ``total_cost`` their sum;
    ``cost_by_sample`` (S,), ``served_by_sample`` and ``asked_by_sample`` (S, C) are what paired comparisons are made
    from; ``unmet_by_sample`` (S, C, T). ``verdicts``: every promise of the problem
    against what was judged. ``complete``: the samples are all there are, so nothing is uncertain.
    """

    classes: tuple[str, ...]
    periods: tuple[str, ...]
    fill: Estimate
    fill_by_period: Estimate
    no_shortage_per_period: Estimate
    no_shortage_joint: Estimate
    unmet: Estimate
    turned_away: Estimate
    shortage_cvar: Estimate
    fill_while_zone_lost: Estimate
    utilization: Utilization
    cost: Mapping[str, Estimate]
    total_cost: Estimate
    verdicts: tuple[Verdict, ...]
    samples: int
    seed: int
    dispatch: str
    complete: bool
    cost_by_sample: Array = field(repr=False, compare=False)
    served_by_sample: Array = field(repr=False, compare=False)
    asked_by_sample: Array = field(repr=False, compare=False)
    unmet_by_sample: Array = field(repr=False, compare=False)
    probability: Array = field(repr=False, compare=False)

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return promise_kept(self.verdicts)

    @property
    def worst_period(self) -> tuple[tuple[str, float], ...]:
        """Per class the period with the lowest fill, and that fill."""
        fill = np.where(np.isnan(self.fill_by_period.value), np.inf, self.fill_by_period.value)
        worst = np.argmin(fill, axis=1)
        return tuple((self.periods[t], float(row[t])) for row, t in zip(fill, worst))
