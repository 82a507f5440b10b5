"""How well commitments are used: coverage, utilization, rate ratio and effective savings rate of a plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.dispatch import by_priority
from capacity_opt.fleet.formulation import build_model
from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.fleet.size import answer_model, require_point, with_decisions
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CommitmentUse:
    """Commitments of a plan over the whole horizon, expected over samples, in undiscounted money.

    Arrays (K,), by the server type in which a commitment is counted: ``committed`` and ``used`` value what is in force,
    and what of it serves demand, at the on-demand price; ``commitment_charge`` and ``on_demand_charge`` are what is
    paid. Owned servers and spot are left out; on-demand counts where a commitment could have covered it. The measures
    are over all types together; :meth:`of` gives those of one. A measure without anything to divide by is NaN.
    """

    server_types: tuple[str, ...]
    committed: Array
    used: Array
    commitment_charge: Array
    on_demand_charge: Array

    @property
    def coverage(self) -> float:
        """Share of the use that commitments pay for: ``used / (used + on-demand)``, at the on-demand price."""
        used = float(self.used.sum())
        return _ratio(used, used + float(self.on_demand_charge.sum()))

    @property
    def utilization(self) -> float:
        """Share of the commitments that serves demand: ``used / committed``."""
        return _ratio(float(self.used.sum()), float(self.committed.sum()))

    @property
    def rate_ratio(self) -> float:
        """Price of a committed hour, used or not, over the on-demand price."""
        return _ratio(float(self.commitment_charge.sum()), float(self.committed.sum()))

    @property
    def effective_savings_rate(self) -> float:
        """1 - paid / the same use on demand; equals ``coverage x (1 - rate_ratio / utilization)``."""
        paid = float(self.commitment_charge.sum() + self.on_demand_charge.sum())
        return 1.0 - _ratio(paid, float(self.used.sum() + self.on_demand_charge.sum()))

    def of(self, server_type: str) -> CommitmentUse:
        """Of one server type alone."""
        if server_type not in self.server_types:
            raise ArgumentError(
                f"server_type must be one of {', '.join(self.server_types[:10])}, got {server_type!r}. "
                "Only types with a commitment are here"
            )
        at = [self.server_types.index(server_type)]
        return CommitmentUse(
            server_types=(server_type,),
            committed=self.committed[at],
            used=self.used[at],
            commitment_charge=self.commitment_charge[at],
            on_demand_charge=self.on_demand_charge[at],
        )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def measure_commitments(
    plan: FleetPlan, problem: FleetProblem, *, samples: int | None = None, seed: int = 7, time_limit: float = 300.0
) -> CommitmentUse:
    """How well the commitments of ``plan`` are used in the problem's samples (the plan's own, for its seed).

    Its orders and commitments are kept, demand is served at least cost again. Being paid for either way, commitments
    are taken to be used before owned servers and before anything bought. Do not use the measures as targets: a plan of
    least cost has the coverage it should have, and full utilization is a sign of too little committed.

    Raises ``ArgumentError`` where a commitment covers a type that is not sold on demand (nothing to compare with).

    >>> from capacity_opt.fleet.example import commitment_problem
    >>> from capacity_opt.fleet.size import size_fleet
    >>> use = measure_commitments(size_fleet(commitment_problem()), commitment_problem())
    >>> use.utilization, use.rate_ratio, round(use.coverage, 4), round(use.effective_savings_rate, 4)
    (0.875, 0.5, 0.7778, 0.3333)
    """
    outcomes = draw_outcomes(problem, samples=samples, seed=seed)
    model = build_model(problem, outcomes, plan.formulation)
    fixed = replace(model, lp=with_decisions(model, plan))
    answer = answer_model(fixed, time_limit=time_limit, seed=seed)
    require_point(fixed, answer.solution)
    answer.checked.require()
    decision = fixed.decode(by_priority(fixed, answer.solution, time_limit=time_limit))
    return _use_of(fixed.frame, decision)


def _use_of(frame: Frame, decision: Decision) -> CommitmentUse:
    problem, lanes, sizes = frame.problem, frame.option_lanes, frame.problem.sizes
    own = np.flatnonzero(frame.is_commitment[lanes.option])
    price = _on_demand_price(frame)
    counted = problem.options.server_type[frame.is_commitment]
    _require_price(frame, price, counted)
    paid = _in_force(frame, decision)
    charge, committed = np.zeros(sizes["K"]), np.zeros(sizes["K"])
    for m in np.flatnonzero(frame.is_commitment).tolist():
        k, g = int(problem.options.server_type[m]), int(problem.options.region[m])
        committed[k] += paid[m] @ price[k, g]
        charge[k] += _charge(frame, decision, m)
    used, bought = np.zeros(sizes["K"]), np.zeros(sizes["K"])
    servers = _used_servers(frame, decision, own)
    option = lanes.option[own]
    unit = price[problem.options.server_type[option], problem.options.region[option]] * lanes.weight[own][:, None]
    np.add.at(used, problem.options.server_type[option], np.einsum("ot,ot->o", servers, unit))
    np.add.at(bought, *_on_demand(frame, decision, own))
    kept = np.unique(counted)
    return CommitmentUse(
        server_types=tuple(problem.server_types.names[k] for k in kept.tolist()),
        committed=committed[kept],
        used=used[kept],
        commitment_charge=charge[kept],
        on_demand_charge=bought[kept],
    )


def _on_demand_price(frame: Frame) -> Array:
    """Lowest on-demand price of one server, (K, G, T); inf where it is not sold."""
    lanes, sizes = frame.option_lanes, frame.problem.sizes
    price = np.full((sizes["K"], sizes["G"], sizes["T"]), np.inf)
    sold = np.array([kind == "on_demand" for kind in frame.problem.options.kind], dtype=bool)[lanes.option]
    place = (lanes.server_type[sold], frame.pool_region[lanes.pool[sold]])
    np.minimum.at(price, place, frame.option_price[lanes.option[sold]] * lanes.weight[sold][:, None])
    return price


def _require_price(frame: Frame, price: Array, counted: NDArray[np.int64]) -> None:
    problem = frame.problem
    region = problem.options.region[frame.is_commitment]
    missing = np.flatnonzero(np.isinf(price[counted, region]).any(axis=1))
    if not frame.is_commitment.any() or len(missing):
        names = [problem.server_types.names[k] for k in np.unique(counted[missing])[:10].tolist()]
        rule = f"have no on-demand price for {', '.join(names)}" if names else "has no commitment"
        raise ArgumentError(f"problem.options {rule}. Give an option of kind on_demand, and one of kind commitment")


def _in_force(frame: Frame, decision: Decision) -> Array:
    """Units paid for, (M, T)."""
    t = np.arange(frame.problem.sizes["T"])
    age = (t[None, :] - t[:, None])[None]
    in_force = (age >= 0) & (age < frame.problem.options.term[:, None, None])
    paid: Array = np.einsum("mu,mut->mt", decision.committed, in_force.astype(float))
    return paid


def _charge(frame: Frame, decision: Decision, m: int) -> float:
    """What a commitment costs in the horizon, undiscounted."""
    t = np.arange(frame.problem.sizes["T"])
    periods = np.minimum(frame.problem.options.term[m], len(t) - t)
    return float((decision.committed[m] * frame.option_price[m] * periods).sum())


def _used_servers(frame: Frame, decision: Decision, own: NDArray[np.intp]) -> Array:
    """Expected servers of each commitment lane that serve demand, (O', T): those offered in a place, as far as the
    demand served there needs them."""
    problem, lanes, served = frame.problem, frame.lanes(), decision.served
    capacity = problem.server_types.capacity
    load = np.zeros((problem.sizes["K"], len(frame.pools), problem.sizes["R"], *served.shape[1:]))
    np.add.at(load, (lanes.server_type, lanes.pool), lanes.load[:, :, None, None, None] * served[:, None])
    size = capacity[:, None, :, None, None, None]
    wanted = np.divide(load, size, out=np.zeros(load.shape), where=size > 0).max(axis=2)
    offered = _offered(frame, decision, own)
    place = (frame.option_lanes.server_type[own], frame.option_lanes.pool[own])
    total = np.zeros(wanted.shape)
    np.add.at(total, place, offered)
    part = np.divide(np.minimum(wanted, total), total, out=np.zeros(total.shape), where=total > 0)
    used: Array = np.einsum(
        "otbs,b,s->ot", offered * part[place], problem.block_share, frame.outcomes.probability, optimize=True
    )
    return used


def _offered(frame: Frame, decision: Decision, own: NDArray[np.intp]) -> Array:
    """Servers a commitment lane offers: all in force where it has one place to go, else what the plan sends there."""
    lanes = frame.option_lanes
    places = np.bincount(lanes.option, minlength=frame.problem.sizes["M"])[lanes.option[own]]
    whole = _in_force(frame, decision)[lanes.option[own]] / lanes.weight[own][:, None]
    return np.where((places == 1)[:, None, None, None], whole[:, :, None, None], decision.bought[own])


def _on_demand(frame: Frame, decision: Decision, own: NDArray[np.intp]) -> tuple[NDArray[np.int64], Array]:
    """Server type and expected charge of every on-demand lane in a place that a commitment covers; counted in the type
    of that commitment, the first where several do."""
    problem, lanes = frame.problem, frame.option_lanes
    kinds: dict[tuple[int, int], int] = {}
    for lane in own.tolist():
        key = int(lanes.server_type[lane]), int(lanes.pool[lane])
        kinds.setdefault(key, int(problem.options.server_type[lanes.option[lane]]))
    keys = list(zip(lanes.server_type.tolist(), lanes.pool.tolist(), strict=True))
    on_demand = np.array([kind == "on_demand" for kind in problem.options.kind], dtype=bool)
    here = [o for o in range(len(keys)) if on_demand[lanes.option[o]] and keys[o] in kinds]
    rate = frame.option_price[lanes.option[here]] * lanes.weight[here][:, None]
    bought = decision.bought[here]
    charge: Array = np.einsum("otbs,ot,b,s->o", bought, rate, problem.block_share, frame.outcomes.probability)
    return np.array([kinds[keys[o]] for o in here], dtype=np.int64), charge
