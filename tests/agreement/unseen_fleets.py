"""Random small fleets with everything that can happen on the day, listed sample by sample, and a random plan."""

import numpy as np

from capacity_opt.problem.disruptions import GivenDisruptions
from tests.simulation.small_fleets import ListedSamples, fleet, plan

PENALTIES = np.array([1e4, 1e2])


def unseen(seed):
    """A problem whose penalties make strict priority the cheapest dispatch, and a plan for it."""
    g = np.random.default_rng(seed)
    kinds, zones, periods, groups, samples, blocks = (int(g.integers(low, high)) for low, high in
                                                      ((1, 4), (1, 4), (2, 5), (2, 5), (2, 5), (1, 3)))  # fmt: skip
    regions = np.sort(g.integers(0, 2, zones))
    regions -= regions.min()
    regions = np.unique(regions, return_inverse=True)[1]
    areas, resources, options = int(regions.max()) + 1, int(g.integers(1, 3)), int(g.integers(0, 4))
    home = g.integers(0, areas, groups)
    pinned = np.array([int(g.choice(np.flatnonzero(regions == r))) if g.random() < 0.3 else -1 for r in home])
    group_class = np.concatenate([[0, 1], g.integers(0, 2, groups - 2)])
    allowed = (g.random((groups, areas)) < 0.6) | (np.arange(areas) == home[:, None])
    kinds_of = ("on_demand", "spot", "commitment")
    kind = tuple(kinds_of[int(i)] for i in g.integers(0, 3, options))
    problem = fleet(
        ListedSamples(g.integers(0, 12, (samples, groups, periods, blocks)).astype(float), _chances(g, samples)),
        capacity=g.integers(1, 4, (kinds, resources)), classes=("a", "b"), group_class=group_class,
        usage=g.integers(0, 3, (groups, resources)) + np.eye(1, resources), periods=periods, blocks=blocks,
        zones=tuple(f"z{i}" for i in range(zones)), zone_region=regions, home_region=home, home_zone=pinned,
        allowed_region=allowed, compatible=(g.random((groups, kinds)) < 0.7) | (np.arange(kinds) == 0),
        performance=g.choice([1.0, 0.5, 2.0], (groups, kinds)), overcommit=g.choice([1.0, 1.5], (groups, resources)),
        serve_cost=g.integers(0, 4, (groups, kinds)).astype(float),
        spill_cost=g.integers(1, 5, (groups, areas)).astype(float), penalty=PENALTIES[group_class],
        lot=g.integers(1, 4, kinds), life=g.choice([2.0, 3.0, np.inf], kinds), failure_rate=g.choice([0.0, 0.1], kinds),
        price=g.uniform(1, 9, (kinds, zones, periods)), opex=g.uniform(0, 2, (kinds, zones, periods)),
        lead_time=g.integers(0, 2, (kinds, zones)), placed=g.integers(0, 2, (kinds, zones, periods)).astype(float),
        initial=np.sort(g.integers(0, 5, (kinds, zones, periods)), axis=2)[..., ::-1].astype(float), discount_rate=0.05,
        disruptions=GivenDisruptions(
            available=_outages(g, samples, zones, periods), delay=g.integers(0, 3, (samples, kinds, zones)),
            options=(g.random((samples, options, periods)) < 0.6) | (np.array(kind) != "spot")[None, :, None],
        ),
        **({} if not options else {
            "option_names": tuple(f"o{i}" for i in range(options)), "option_kind": kind,
            "option_type": g.integers(0, kinds, options), "option_region": g.integers(0, areas, options),
            "option_price": g.uniform(1, 9, (options, periods)), "option_term": g.integers(1, 4, options),
            "option_limit": g.integers(1, 6, (options, periods)).astype(float),
            "option_availability": np.where(np.array(kind) == "spot", 0.6, 1.0),
        }),
    )  # fmt: skip
    begun = np.array([own == "commitment" for own in kind], dtype=bool)[:, None] & (np.arange(periods) == 1)
    committed = g.integers(0, 2, (options, 1)) * begun if options else 0.0
    orders = g.integers(0, 2, (kinds, zones, periods)) * (np.arange(periods) < periods - 1)
    return problem, plan(problem, racks=orders, committed=committed)


def _chances(g, samples):
    weight = g.uniform(0.5, 1.5, samples)
    return weight / weight.sum()


def _outages(g, samples, zones, periods):
    """A zone that fails stays away for some periods; some fail in part."""
    there = np.ones((samples, zones, periods))
    for s, z in np.ndindex(samples, zones):
        if g.random() < 0.4:
            begin = int(g.integers(0, periods))
            there[s, z, begin : begin + int(g.integers(1, periods + 1))] = g.choice([0.0, 0.0, 0.5])
    return there
