"""A fleet judged in plain loops and small linear programs: written from the documents alone, to be compared with.

Shares nothing with the judge or the optimisers; slow on purpose. Commitments begin when they are made and last their
term; what is ordered in u serves from u + lead time + delay for its life, losing its share of failures a period.
"""

from itertools import product

import numpy as np
from scipy.optimize import linprog

SLACK = 1e-7


def servers(problem, plan, delay, available, t):
    """Servers of each type in each zone that work in period ``t`` of one sample."""
    kinds, supply, found = problem.server_types, problem.supply, {}
    for k, z in product(range(len(kinds.names)), range(len(problem.sites.zones))):
        count = float(supply.initial[k, z, t])
        for u in range(t + 1):
            age = t - (u + int(supply.lead_time[k, z]) + int(delay[k, z]))
            if 0 <= age < kinds.life[k]:
                ordered = (plan.racks[k, z, u] + supply.placed[k, z, u]) * kinds.lot[k]
                count += ordered * (1 - kinds.failure_rate[k]) ** age
        found[k, z] = count, count * available[z, t]
    return found


def ways(problem, available, t):
    """(group, type, pool) that may serve, with money per unit; pools are tuples of zones."""
    groups, sites = problem.groups, problem.sites
    pinned = {int(sites.zone_region[z]) for z in groups.home_zone if z >= 0}
    pools = []
    for region in range(len(sites.regions)):
        zones = [z for z in range(len(sites.zones)) if sites.zone_region[z] == region]
        pools += [(z,) for z in zones] if region in pinned else [tuple(zones)]
    for j, k, pool in product(range(len(groups.names)), range(len(problem.server_types.names)), pools):
        region, home = int(sites.zone_region[pool[0]]), int(groups.home_zone[j])
        if not groups.compatible[j, k] or groups.performance[j, k] <= 0 or not groups.allowed_region[j, region]:
            continue
        if home >= 0 and home not in pool:
            lost = available[home, t] <= 0
            if not (lost and region == groups.home_region[j]):
                continue
        far = 0.0 if region == groups.home_region[j] else float(groups.spill_cost[j, region])
        yield j, k, pool, float(groups.serve_cost[j, k]), far


def dispatch(problem, plan, asked, held, available, limits, t):
    """Strict priority, then least money: unmet (J,), and money by component, of one period and block."""
    groups, kinds, options = problem.groups, problem.server_types, problem.options
    lanes = list(ways(problem, available, t))
    rents = [
        (m, pool) for m in range(len(options.names)) for pool in dict.fromkeys(lane[2] for lane in lanes)
        if options.region[m] == problem.sites.zone_region[pool[0]]
    ]  # fmt: skip
    n, rows, right = len(lanes) + len(rents), [], []

    def row(bound):
        rows.append(np.zeros(n))
        right.append(bound)
        return rows[-1]

    pools = list(dict.fromkeys(lane[2] for lane in lanes))
    for k, pool, r in product(range(len(kinds.names)), pools, range(len(problem.resources))):
        used = row(kinds.capacity[k, r] * sum(held[k, z][1] for z in pool))
        for i, (j, kind, place, *_) in enumerate(lanes):
            if (kind, place) == (k, pool):
                used[i] = groups.usage[j, r] / (groups.overcommit[j, r] * groups.performance[j, k])
        for i, (m, place) in enumerate(rents):
            if place == pool and options.server_type[m] == k:
                used[len(lanes) + i] = -kinds.capacity[k, r]
    for m in range(len(options.names)):
        row(limits[m])[[len(lanes) + i for i, (own, _) in enumerate(rents) if own == m]] = 1.0
    for j in range(len(groups.names)):
        row(asked[j])[[i for i, lane in enumerate(lanes) if lane[0] == j]] = 1.0
    price = [swap + far for *_, swap, far in lanes]
    price += [0.0 if options.kind[m] == "commitment" else options.price[m, t] for m, _ in rents]
    for c in range(len(groups.classes)):
        counted = np.array([*(-1.0 * (groups.group_class[lane[0]] == c) for lane in lanes), *(0.0 for _ in rents)])
        best = _least(counted, rows, right).fun
        rows.append(counted)
        right.append(best + SLACK * max(1.0, abs(best)))
    x = _least(price, rows, right).x
    unmet = np.array([asked[j] - sum(x[i] for i, lane in enumerate(lanes) if lane[0] == j) for j in range(len(asked))])
    money = dict.fromkeys(("substitution", "spill", "on_demand", "spot"), 0.0)
    money["penalty"] = float(problem.service.penalty @ unmet)
    for amount, (*_, swap, far) in zip(x, lanes):
        money["substitution"] += amount * swap
        money["spill"] += amount * far
    for amount, (m, _) in zip(x[len(lanes) :], rents):
        if options.kind[m] != "commitment":
            money[options.kind[m]] += amount * options.price[m, t]
    return np.maximum(unmet, 0.0), money


def _least(cost, rows, right):
    found = linprog(cost, A_ub=np.array(rows), b_ub=right, method="highs-ds")
    assert found.status == 0, found.message
    return found


def judge(problem, plan):
    """Fill, no shortage per period and joint per class, and expected money by component, over all listed samples."""
    demand, chance = problem.demand.draw(1, seed=0)
    given, options = problem.disruptions, problem.options
    count, periods = len(chance), len(problem.periods)
    classes = len(problem.groups.classes)
    asked, unmet = np.zeros((count, classes, periods)), np.zeros((count, classes, periods))
    money = dict.fromkeys(("opex", "substitution", "spill", "on_demand", "spot", "penalty"), 0.0)
    for s, t in product(range(count), range(periods)):
        worth = chance[s] * (1 + problem.finance.discount_rate) ** -t
        held = servers(problem, plan, given.delay[s], given.available[s], t)
        money["opex"] += worth * sum(problem.supply.opex[k, z, t] * all_ for (k, z), (all_, _) in held.items())
        limits = []
        for m in range(len(options.names)):
            if options.kind[m] == "commitment":
                limits.append(sum(plan.committed[m, u] for u in range(t + 1) if t < u + options.term[m]))
            else:
                limits.append(options.limit[m, t] * (1.0 if given.options is None else given.options[s, m, t]))
        for b, share in enumerate(problem.block_share):
            short, paid = dispatch(problem, plan, demand[s, :, t, b], held, given.available[s], limits, t)
            for j, c in enumerate(problem.groups.group_class):
                asked[s, c, t] += share * demand[s, j, t, b]
                unmet[s, c, t] += share * short[j]
            for name, amount in paid.items():
                money[name] += worth * share * amount
    none = unmet <= 1e-4
    return {
        "fill": 1 - chance @ unmet.sum(axis=2) / (chance @ asked.sum(axis=2)),
        "no_shortage_per_period": chance @ none.mean(axis=2),
        "no_shortage_joint": chance @ none.all(axis=2),
    }, money
