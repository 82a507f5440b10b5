"""What a decision costs, recomputed from the inputs and not from the linear program: the sum must be its objective."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.capital import capital_by_period, commitment_by_period
from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.limits import cash_per_rack
from capacity_opt.fleet.recourse import lane_cost
from capacity_opt.fleet.supply import kept_share

Array = NDArray[np.float64]

COMPONENTS = (
    "capital",
    "opex_existing",
    "opex_new",
    "retirement",
    "stability",
    "commitment",
    "on_demand",
    "spot",
    "substitution",
    "spill",
    "penalty",
)
"""capital and running cost of servers (of the past; new), retirement less salvage, changing the last plan, purchases,
serving on an upgraded type, serving away from home, unmet demand."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Expected cost by component and period, present value and cash (T,), and the cost of each sample (S,)."""

    present: dict[str, Array]
    cash: dict[str, Array]
    by_sample: Array

    @property
    def total(self) -> dict[str, float]:
        """Present value by component, components without any left out."""
        return {name: float(value.sum()) for name, value in self.present.items() if np.any(value != 0)}

    @property
    def expected(self) -> float:
        """The sum."""
        return float(sum(value.sum() for value in self.present.values()))


def cost_of(frame: Frame, decision: Decision) -> Cost:
    """Cost of a decision in the frame's samples."""
    discount, p = frame.discount[:-1], frame.outcomes.probability
    supply = _supply_cash(frame, decision)
    recourse = _recourse_cash(frame, decision)
    cash = {name: _expected(frame, value) for name, value in supply.items()}
    cash |= {name: value @ p for name, value in recourse.items()}
    present = {name: value * discount for name, value in cash.items()}
    capital = _capital(frame, decision)
    present["capital"] = _expected(frame, capital)
    commitments = np.einsum("mu,mut->t", decision.committed, commitment_by_period(frame))
    present["commitment"] = commitments
    cash["commitment"] = commitments / discount
    by_world = capital.sum(axis=1) + sum(value @ discount for value in supply.values())
    by_world = by_world - supply["capital"] @ discount + commitments.sum()
    running = sum(discount @ value for value in recourse.values())
    by_sample = np.broadcast_to(by_world, p.shape) + running
    ordered = [name for name in COMPONENTS if name in present]
    return Cost(
        present={name: present[name] for name in ordered},
        cash={name: cash[name] for name in ordered},
        by_sample=by_sample,
    )


def _expected(frame: Frame, value: Array) -> Array:
    """Mean over supply worlds of (W, T)."""
    mean: Array = frame.world_probability @ value
    return mean


def _capital(frame: Frame, decision: Decision) -> Array:
    """Present value charged in each period, (W, T)."""
    lot = frame.problem.server_types.lot[:, None, None]
    servers = lot * (decision.racks + frame.problem.supply.placed)
    charged: Array = np.einsum("wkzu,kzut->wt", servers, capital_by_period(frame))
    return charged


def _supply_cash(frame: Frame, decision: Decision) -> dict[str, Array]:
    """Undiscounted money that does not depend on demand, (W, T) by component."""
    problem, supply = frame.problem, frame.problem.supply
    gone = np.einsum("kzu,kzut->kzt", decision.retired, kept_share(supply.initial))
    old = np.minimum(np.maximum(supply.initial - gone, 0.0), decision.stock)
    retired = (supply.retirement_cost - supply.salvage)[:, None, None] * decision.retired
    found = {
        "capital": ((decision.racks + supply.placed) * cash_per_rack(frame)).sum(axis=(1, 2)),
        "opex_existing": (old * supply.opex).sum(axis=(1, 2)),
        "opex_new": ((decision.stock - old) * supply.opex).sum(axis=(1, 2)),
        "retirement": np.broadcast_to(retired.sum(axis=(0, 1)), (frame.worlds, problem.sizes["T"])),
    }
    if problem.stability is not None:
        changed = np.abs(decision.racks[0] - problem.stability.last) * (frame.orderable & ~frame.late)
        change = (problem.stability.change_cost[:, None, None] * changed).sum(axis=(0, 1)) / frame.discount[:-1]
        found["stability"] = np.broadcast_to(change, (frame.worlds, problem.sizes["T"]))
    return found


def _recourse_cash(frame: Frame, decision: Decision) -> dict[str, Array]:
    """Undiscounted money that depends on the sample, (T, S) by component."""
    problem, share = frame.problem, frame.problem.block_share
    lanes, options = frame.lanes(), frame.option_lanes
    substitution, spill = lane_cost(frame, lanes)
    bought = decision.bought * (options.weight[:, None] * frame.option_price[options.option])[:, :, None, None]
    kind = np.array([*problem.options.kind, ""])[options.option] if len(options.option) else np.zeros(0, dtype="<U10")
    return {
        "on_demand": np.einsum("otbs,b->ts", bought[kind == "on_demand"], share),
        "spot": np.einsum("otbs,b->ts", bought[kind == "spot"], share),
        "substitution": np.einsum("ntbs,n,b->ts", decision.served, substitution, share),
        "spill": np.einsum("ntbs,n,b->ts", decision.served, spill, share),
        "penalty": np.einsum("jtbs,j,b->ts", decision.unmet, problem.service.penalty, share),
    }
