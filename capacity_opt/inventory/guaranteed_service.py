"""Safety stock in a tree of stages that each guarantee a service time, by dynamic programming.

Every stage quotes a whole number S of periods after which any order of its customers is filled, whatever demand up to
its bound; it hears its inputs after SI = max(external inbound time, predecessors' S) and so must cover SI + T - S
periods of demand with stock: cost = holding_cost * k * deviation * sqrt(SI + T - S). Source: Graves and Willems
(2000); Snyder and Shen, *Fundamentals of Supply Chain Theory* (2nd ed. 2019), section 6.3.

The dynamic program walks the tree from its leaves to a root; a stage's table holds the least cost of everything
hanging below it for each pair (S, SI), so it is exact for any tree in time stages * periods^2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.network import GuaranteedServiceTree, GuaranteedStage

Array = NDArray[np.float64]
LARGEST_TABLE = 50_000_000


@dataclass(frozen=True, kw_only=True)
class GuaranteedServicePlan:
    """Service times per stage (periods, by name) and what they cost.

    ``inbound_time`` SI; ``net_replenishment_time`` SI + T - S, the periods that stock must cover; ``safety_stock``
    in units; ``expected_cost`` the holding cost of all safety stock per period.
    """

    service_time: Mapping[str, int]
    inbound_time: Mapping[str, int]
    net_replenishment_time: Mapping[str, int]
    safety_stock: Mapping[str, float]
    expected_cost: float


def evaluate_guaranteed_service(tree: GuaranteedServiceTree, service_time: Mapping[str, int]) -> GuaranteedServicePlan:
    """What given service times cost; refuses a time above the stage's maximum or above SI + T.

    >>> plant = GuaranteedStage(name="plant", holding_cost=1, processing_time=2)
    >>> shop = GuaranteedStage(name="shop", holding_cost=3, processing_time=1, predecessors=("plant",),
    ...                        maximum_service_time=0, demand_deviation=10, safety_factor=2)
    >>> given = evaluate_guaranteed_service(GuaranteedServiceTree(stages=(plant, shop)), {"plant": 2, "shop": 0})
    >>> given.net_replenishment_time, round(given.expected_cost, 4)
    ({'plant': 0, 'shop': 3}, 103.923)
    """
    missing = [stage.name for stage in tree.stages if stage.name not in service_time]
    if missing:
        raise ArgumentError(f"service_time lacks {len(missing)} stages: {', '.join(map(repr, missing[:10]))}")
    times = {name: int(_checks.whole(f"service_time[{name!r}]", service_time[name])) for name in tree.by_name}
    inbound = {stage.name: _inbound(stage, times) for stage in tree.stages}
    for stage in tree.stages:
        most = inbound[stage.name] + stage.processing_time
        limit = most if stage.maximum_service_time is None else min(most, stage.maximum_service_time)
        if times[stage.name] > limit:
            raise ArgumentError(f"service_time[{stage.name!r}] must be <= {limit}, got {times[stage.name]}")
    return _plan(tree, times, inbound)


def optimize_guaranteed_service(tree: GuaranteedServiceTree) -> GuaranteedServicePlan:
    """The service times with the least holding cost of safety stock, exact for any tree.

    >>> plant = GuaranteedStage(name="plant", holding_cost=1, processing_time=2)
    >>> shop = GuaranteedStage(name="shop", holding_cost=3, processing_time=1, predecessors=("plant",),
    ...                        maximum_service_time=0, demand_deviation=10, safety_factor=2)
    >>> best = optimize_guaranteed_service(GuaranteedServiceTree(stages=(plant, shop)))
    >>> best.service_time, round(best.expected_cost, 4)
    ({'plant': 0, 'shop': 0}, 83.2638)
    """
    downstream_first = _downstream_first(tree)
    longest = _longest_times(tree, downstream_first[::-1])
    order, parent = _rooted(tree)
    tables = _Tables(tree, _deviations(tree, downstream_first), longest, parent)
    for name in reversed(order):
        tables.fill(name)
    wished = tables.choose(order)
    return evaluate_guaranteed_service(tree, _without_idle_waiting(tree, wished, downstream_first[::-1]))


class _Tables:
    """The dynamic program: ``cost[name][S, SI]`` of a stage and all that hangs below it in the rooted tree."""

    def __init__(
        self,
        tree: GuaranteedServiceTree,
        deviation: Mapping[str, float],
        longest: Mapping[str, tuple[int, int]],
        parent: Mapping[str, str | None],
    ) -> None:
        self.tree, self.deviation, self.longest, self.parent = tree, deviation, longest, parent
        self.cost: dict[str, Array] = {}

    def fill(self, name: str) -> None:
        """Own cost plus the best of every branch below, given this stage's S and SI."""
        stage = self.tree.by_name[name]
        cost = self._own(stage)
        for upstream in stage.predecessors:
            if self.parent[upstream] == name:
                cost = cost + self._least_by_quote(upstream, cost.shape[1])
        for downstream in self.tree.successors[name]:
            if self.parent[downstream] == name:
                cost = cost + self._least_by_inbound(downstream, cost.shape[0])[:, None]
        self.cost[name] = cost

    def choose(self, order: list[str]) -> dict[str, int]:
        """Follow the best choices from the roots down."""
        quote: dict[str, int] = {}
        inbound: dict[str, int] = {}
        for name in order:
            cost, above = self.cost[name], self.parent[name]
            if above is None:
                best = int(np.argmin(cost))
                quote[name], inbound[name] = divmod(best, cost.shape[1])
            elif above in self.tree.successors[name]:
                allowed = cost[: inbound[above] + 1].min(axis=1)
                quote[name] = int(np.argmin(allowed))
                inbound[name] = int(np.argmin(cost[quote[name]]))
            else:
                allowed = cost[:, quote[above] :].min(axis=0)
                inbound[name] = quote[above] + int(np.argmin(allowed))
                quote[name] = int(np.argmin(cost[:, inbound[name]]))
        return quote

    def _own(self, stage: GuaranteedStage) -> Array:
        inbound_limit, quote_limit = self.longest[stage.name]
        most = quote_limit if stage.maximum_service_time is None else min(quote_limit, stage.maximum_service_time)
        net = np.arange(inbound_limit + 1) + stage.processing_time - np.arange(most + 1)[:, None]
        rate = stage.holding_cost * stage.safety_factor * self.deviation[stage.name]
        cost: Array = np.where(net >= 0, rate * np.sqrt(np.maximum(net, 0)), np.inf)
        cost[:, : stage.external_inbound_time] = np.inf
        return cost

    def _least_by_quote(self, upstream: str, inbound: int) -> Array:
        """Least cost of the branch at ``upstream`` if it may quote at most 0, 1, ... periods."""
        least = np.minimum.accumulate(self.cost[upstream].min(axis=1))
        return np.concatenate([least, np.full(max(inbound - len(least), 0), least[-1])])[:inbound]

    def _least_by_inbound(self, downstream: str, quotes: int) -> Array:
        """Least cost of the branch at ``downstream`` if it is quoted 0, 1, ... periods."""
        least: Array = np.minimum.accumulate(self.cost[downstream].min(axis=0)[::-1])[::-1]
        return least[:quotes]


def _inbound(stage: GuaranteedStage, times: Mapping[str, int]) -> int:
    return max([stage.external_inbound_time, *(times[name] for name in stage.predecessors)])


def _plan(tree: GuaranteedServiceTree, times: dict[str, int], inbound: dict[str, int]) -> GuaranteedServicePlan:
    deviation = _deviations(tree, _downstream_first(tree))
    net = {s.name: inbound[s.name] + s.processing_time - times[s.name] for s in tree.stages}
    stock = {s.name: float(s.safety_factor * deviation[s.name] * np.sqrt(net[s.name])) for s in tree.stages}
    cost = sum(stage.holding_cost * stock[stage.name] for stage in tree.stages)
    return GuaranteedServicePlan(
        service_time=times,
        inbound_time=inbound,
        net_replenishment_time=net,
        safety_stock=stock,
        expected_cost=float(cost),
    )


def _downstream_first(tree: GuaranteedServiceTree) -> list[str]:
    """Every stage after all stages that it feeds."""
    waiting = {name: len(fed) for name, fed in tree.successors.items()}
    ready = [name for name, count in waiting.items() if count == 0]
    for name in ready:  # grows while it is read
        for upstream in tree.by_name[name].predecessors:
            waiting[upstream] -= 1
            if waiting[upstream] == 0:
                ready.append(upstream)
    return ready


def _deviations(tree: GuaranteedServiceTree, downstream_first: list[str]) -> dict[str, float]:
    """Each stage's own deviation, or that of the independent demands of the stages it feeds."""
    deviation: dict[str, float] = {}
    for name in downstream_first:
        given = tree.by_name[name].demand_deviation
        if given is None and not tree.successors[name]:
            raise ArgumentError(f"stage {name!r} feeds no other stage, so it needs a demand_deviation")
        pooled = float(np.sqrt(sum(deviation[fed] ** 2 for fed in tree.successors[name])))
        deviation[name] = pooled if given is None else float(given)
    return deviation


def _longest_times(tree: GuaranteedServiceTree, upstream_first: list[str]) -> dict[str, tuple[int, int]]:
    """The longest inbound time and service time that can matter at each stage."""
    longest: dict[str, tuple[int, int]] = {}
    for name in upstream_first:
        stage = tree.by_name[name]
        inbound = max([stage.external_inbound_time, *(longest[up][1] for up in stage.predecessors)])
        longest[name] = inbound, inbound + stage.processing_time
    cells = sum((inbound + 1) * (quote + 1) for inbound, quote in longest.values())
    if cells > LARGEST_TABLE:
        raise ArgumentError(
            f"the times are too fine for the dynamic program: {cells} table cells, at most {LARGEST_TABLE}. "
            "Use a longer period."
        )
    return longest


def _rooted(tree: GuaranteedServiceTree) -> tuple[list[str], dict[str, str | None]]:
    """The stages of every separate tree from a root outwards, and each stage's neighbour towards the root."""
    parent: dict[str, str | None] = {}
    order: list[str] = []
    for root in tree.by_name:
        if root in parent:
            continue
        parent[root] = None
        reached = [root]
        for name in reached:  # grows while it is read
            for other in (*tree.by_name[name].predecessors, *tree.successors[name]):
                if other not in parent:
                    parent[other] = name
                    reached.append(other)
        order += reached
    return order, parent


def _without_idle_waiting(
    tree: GuaranteedServiceTree, wished: Mapping[str, int], upstream_first: list[str]
) -> dict[str, int]:
    """Shorten quotes that exceed SI + T: waiting for nothing costs the stage no stock and its customers some."""
    times: dict[str, int] = {}
    for name in upstream_first:
        stage = tree.by_name[name]
        times[name] = min(wished[name], _inbound(stage, times) + stage.processing_time)
    return times
