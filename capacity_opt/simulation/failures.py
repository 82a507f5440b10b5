"""A model of what breaks: zones fail and take time to recover, servers are down, deliveries come late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.simulation.asked import judge_seed

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

ON_TIME: Mapping[int, float] = {0: 1.0}


@dataclass(frozen=True, kw_only=True)
class FailureModel:
    """Independent of demand; draws what :class:`~capacity_opt.problem.fleet.DisruptionPaths` asks for.

    ``zone_failure`` (Z,) or scalar: chance per period that a zone which is there fails; ``outage_periods`` (Z,) or
    scalar: mean periods until it is back, at least 1 (geometric). ``lost_share``: share of a failed zone's servers that
    do not work. ``server_down``: chance that a server is down in a period (repaired by the next), out of
    ``servers_per_zone``. ``delay``: probability of each number of periods by which all orders of a type and zone come
    late. ``spot_outage_periods``: mean periods for which a spot option stays away once it is gone. ``at_start``: zones
    start as in the long run (True) or all there (False).

    >>> model = FailureModel(zones=2, types=1, periods=3, zone_failure=0.01, outage_periods=2.0, delay={0: 0.9, 1: 0.1})
    >>> available, delay = model.draw(4, seed=1)
    >>> available.shape, delay.shape
    ((4, 2, 3), (4, 1, 2))
    """

    zones: int
    types: int
    periods: int
    zone_failure: float | Array = 0.0
    outage_periods: float | Array = 1.0
    lost_share: float = 1.0
    server_down: float = 0.0
    servers_per_zone: int = 100
    delay: Mapping[int, float] = field(default_factory=lambda: dict(ON_TIME))
    spot_outage_periods: float = 1.0
    at_start: bool = True

    def __post_init__(self) -> None:
        """Check every chance and length."""
        _checks.share("zone_failure", self.zone_failure)
        _checks.between("outage_periods", self.outage_periods, 1.0, np.inf)
        _checks.between("spot_outage_periods", self.spot_outage_periods, 1.0, np.inf)
        _checks.share("lost_share", self.lost_share)
        _checks.share("server_down", self.server_down)
        _checks.whole("servers_per_zone", self.servers_per_zone, at_least=1)
        _checks.whole("delay", list(self.delay))
        _checks.probabilities("delay probability", list(self.delay.values()))

    @classmethod
    def of(cls, problem: FleetProblem, **chances: object) -> FailureModel:
        """A model for the zones, types and periods of ``problem``; ``chances`` are the other fields."""
        sizes = problem.sizes
        return cls(zones=sizes["Z"], types=sizes["K"], periods=sizes["T"], **chances)  # type: ignore[arg-type]

    def draw(self, count: int, *, seed: int) -> tuple[Array, IntArray]:
        """``available`` (count, Z, T) and ``delay`` (count, K, Z)."""
        rng = np.random.default_rng(judge_seed(seed))
        there = np.asarray(1.0 - self.lost_share * self._failed(count, rng), dtype=np.float64)
        if self.server_down > 0:
            shape = (count, self.zones, self.periods)
            working = rng.binomial(self.servers_per_zone, 1.0 - self.server_down, shape)
            there = np.asarray(there * working / self.servers_per_zone)
        late = np.array(list(self.delay), dtype=np.int64)
        chance = np.array(list(self.delay.values()))
        delay: IntArray = rng.choice(late, size=(count, self.types, self.zones), p=chance / chance.sum())
        return there, delay

    def spot(self, count: int, availability: Array, periods: int, *, seed: int) -> NDArray[np.bool_]:
        """Whether each option is there, (count, T, M): in a share ``availability`` (M,) of the periods in the long run,
        away for ``spot_outage_periods`` at a time."""
        rng = np.random.default_rng(judge_seed(seed))
        back = 1.0 / self.spot_outage_periods
        with np.errstate(divide="ignore"):
            leave = np.minimum(np.where(availability > 0, back * (1.0 - availability) / availability, 1.0), 1.0)
        there = np.zeros((count, periods, len(availability)), dtype=bool)
        now = rng.random((count, len(availability))) < availability
        for t in range(periods):
            if t > 0:
                drawn = rng.random(now.shape)
                now = np.where(now, drawn >= leave, drawn < back) & (availability > 0)
            there[:, t] = now
        return there

    def _failed(self, count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Two states per zone: it fails with one chance and recovers with another."""
        fail = np.broadcast_to(np.asarray(self.zone_failure, dtype=np.float64), (self.zones,))
        back = 1.0 / np.broadcast_to(np.asarray(self.outage_periods, dtype=np.float64), (self.zones,))
        failed = np.zeros((count, self.zones, self.periods), dtype=bool)
        now = rng.random((count, self.zones)) < (fail / (fail + back) if self.at_start else 0.0)
        for t in range(self.periods):
            if t > 0:
                drawn = rng.random((count, self.zones))
                now = np.where(now, drawn >= back, drawn < fail)
            failed[:, :, t] = now
        return failed
