"""Admission control against brute force written apart from it, on random instances: prints ``N tried, N ok`` a family.

    python benchmarks/fuzz_admission.py [count] [seed]

Each family is recomputed in another way: long sums at high precision, every state of a chain, value iteration over
every policy, dynamic programs on whole demands, every subset of a packing.
"""

import itertools
import sys
import time
from fractions import Fraction

import numpy as np
from scipy import optimize, stats

import capacity_opt as co

QUALITY = []


def erlang_b(rng):
    load, servers = float(rng.uniform(0.1, 400)), int(rng.integers(0, 420))
    exact, a = Fraction(1), Fraction(load)
    for n in range(1, servers + 1):
        exact = a * exact / (n + a * exact)
        exact = Fraction(exact).limit_denominator(10**40)
    return bool(np.isclose(float(co.erlang_b(load, servers)), float(exact), rtol=1e-11, atol=1e-30))


def erlang_b_large(rng):
    servers = int(rng.integers(1_000, 100_000))
    load = servers * float(rng.uniform(0.9, 1.1))
    told = float(co.erlang_b(load, servers))
    # 1 / B = sum over j of servers! / ((servers - j)! load^j): every term from its neighbour.
    terms = np.cumprod(np.arange(servers, 0, -1) / load)
    return bool(np.isclose(told, 1.0 / (1.0 + terms.sum()), rtol=1e-11))


def erlang_c(rng):
    servers = int(rng.integers(1, 60))
    load = servers * float(rng.uniform(0.1, 0.99))
    states = np.zeros(4000)
    states[0] = 1.0
    for n in range(1, 4000):
        states[n] = states[n - 1] * load / min(n, servers)
    waits = states[servers:].sum() / states.sum()
    return bool(np.isclose(float(co.erlang_c(load, servers).wait_probability), waits, rtol=1e-6))


def engset(rng):
    sources, servers, beta = int(rng.integers(1, 60)), int(rng.integers(1, 60)), float(rng.uniform(0.01, 3))
    told = co.engset(sources, servers, load_per_idle_source=beta)
    top = min(sources, servers)
    busy = stats.binom.pmf(np.arange(top + 1), sources, beta / (1 + beta))
    idle = sources - np.arange(top + 1)
    blocked = np.arange(top + 1) == servers
    time_share = busy[blocked].sum() / busy.sum()
    calls = (busy * idle)[blocked].sum() / (busy * idle).sum() if (busy * idle).sum() > 0 else 0.0
    free, carried = sources * beta / (1 + beta), float(busy @ np.arange(top + 1)) / busy.sum()
    return bool(
        np.allclose(
            [told.time_congestion, told.call_congestion, told.traffic_congestion],
            [time_share, calls, 1 - carried / free],
            rtol=1e-8,
            atol=1e-12,
        )
    )


def random_pool(rng, most=14):
    classes = int(rng.integers(1, 4))
    size = rng.integers(1, 5, classes)
    capacity = int(rng.integers(3, most))
    load = rng.uniform(0.2, 1.2, classes) * capacity / size / classes
    return classes, size, capacity, load


def states_of(size, capacity):
    grids = [range(capacity // s + 1) for s in size]
    return [n for n in itertools.product(*grids) if np.dot(n, size) <= capacity]


def kaufman_roberts(rng):
    _, size, capacity, load = random_pool(rng)
    states = np.array(states_of(size, capacity))
    weight = np.prod(stats.poisson.pmf(states, load), axis=1)
    weight /= weight.sum()
    used = states @ size
    blocking = [weight[used + s > capacity].sum() for s in size]
    told = co.multirate_loss(capacity, load=load, size=size)
    q = np.bincount(used, weights=weight, minlength=capacity + 1)
    return bool(np.allclose(told.blocking, blocking, atol=1e-12) and np.allclose(told.occupancy, q, atol=1e-12))


def bandwidth_reservation(rng):
    """Roberts' recursion as printed, in plain loops."""
    classes, size, capacity, load = random_pool(rng, most=40)
    kept = rng.integers(0, max(capacity - 3, 1), classes)
    q = np.zeros(capacity + 1)
    q[0] = 1.0
    for j in range(1, capacity + 1):
        q[j] = sum(a * b * q[j - b] for a, b, t in zip(load, size, kept) if j >= b and j <= capacity - t) / j
    q /= q.sum()
    blocking = [q[max(capacity - b - t + 1, 0) :].sum() for b, t in zip(size, kept)]
    told = co.multirate_loss(capacity, load=load, size=size, reservation=kept)
    return bool(np.allclose(told.occupancy, q, atol=1e-12) and np.allclose(told.blocking, blocking, atol=1e-12))


def network(rng):
    pools, classes = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    take, room = rng.integers(0, 3, (pools, classes)), rng.integers(2, 9, pools)
    take[0] = np.maximum(take[0], 1)
    load = rng.uniform(0.2, 3, classes)
    grids = [range(int(min(room[i] // take[i, k] for i in range(pools) if take[i, k])) + 1) for k in range(classes)]
    states = np.array([n for n in itertools.product(*grids) if np.all(take @ n <= room)])
    weight = np.prod(stats.poisson.pmf(states, load), axis=1)
    weight /= weight.sum()
    blocking = [weight[np.any(states @ take.T + take[:, k] > room, axis=1)].sum() for k in range(classes)]
    return bool(np.allclose(co.network_loss(take, capacity=room, load=load).blocking, blocking, atol=1e-12))


def optimal_revenue(size, capacity, rate, departure, price):
    """The best of all policies by value iteration on every state (gain to 1e-9), and first come's revenue."""
    states = states_of(size, capacity)
    place = {n: i for i, n in enumerate(states)}
    array, classes = np.array(states), len(size)
    pace = rate.sum() + (array @ departure).max()
    earn = array @ (price * size) / pace
    up = np.array(
        [[place.get(tuple(np.add(n, np.eye(classes, dtype=int)[k])), -1) for n in states] for k in range(classes)]
    )
    down = np.array(
        [
            [place.get(tuple(np.subtract(n, np.eye(classes, dtype=int)[k])), i) for i, n in enumerate(states)]
            for k in range(classes)
        ]
    )

    def gain(choose):
        value = np.zeros(len(states))
        for _ in range(200_000):
            new = earn.copy()
            for k in range(classes):
                there = np.where(up[k] >= 0, value[up[k]], -np.inf)
                new += rate[k] / pace * (np.maximum(there, value) if choose else np.where(up[k] >= 0, there, value))
                new += array[:, k] * departure[k] / pace * value[down[k]]
            new += (1.0 - (rate.sum() + array @ departure) / pace) * value
            change = new - value
            if np.ptp(change) < 1e-10:
                break
            value = new - new[0]
        return float(change.mean() * pace)

    return gain(True), gain(False)


def critical_levels(rng):
    classes = int(rng.integers(2, 4))
    size = rng.choice([1, 2, 3, 4, 6], classes) if rng.random() < 0.6 else np.ones(classes, dtype=int)
    capacity = int(rng.integers(6, 22 if classes == 2 else 14)) + int(size.max())
    departure = rng.choice([0.5, 1.0, 2.0], classes) if rng.random() < 0.5 else np.ones(classes)
    rate = rng.uniform(0.4, 1.4) * rng.dirichlet(np.ones(classes) * 2) * capacity / size * departure
    price = np.sort(rng.uniform(0.3, 5, classes))[::-1]
    best, first = optimal_revenue(size, capacity, rate, departure, price)
    told = co.tune_critical_levels(capacity, arrival_rate=rate, holding_time=1 / departure, size=size, price=price)
    share = told.revenue / best
    QUALITY.append(share)
    fair = np.isclose(told.first_come_revenue, first, rtol=1e-6) and told.revenue >= first * (1 - 1e-9)
    return bool(fair and told.revenue <= best * (1 + 1e-7) and best <= told.upper_bound * (1 + 1e-7) and share >= 0.979)


def booking_limits(rng):
    """Exact protections on whole demand: dynamic program over remaining seats in plain loops."""
    classes, capacity = int(rng.integers(2, 5)), int(rng.integers(5, 40))
    fare = np.sort(rng.choice(np.arange(50, 1000), classes, replace=False))[::-1].astype(float)
    mean = rng.uniform(1, 0.8 * capacity, classes)
    value = np.zeros(capacity + 1)
    for j in range(classes):
        slope = np.diff(value, prepend=value[0])
        kept = 0 if j == 0 else int(sum(slope[x] > fare[j] + 1e-12 for x in range(1, capacity + 1)))
        new = np.zeros(capacity + 1)
        for x in range(capacity + 1):
            most = max(x - kept, 0)
            chance = stats.poisson.pmf(np.arange(most), mean[j])
            sold = np.arange(most + 1)
            p = np.append(chance, 1.0 - chance.sum())
            new[x] = float(p @ (fare[j] * sold + value[x - sold]))
        value = new
    told = co.optimize_booking_limits(co.Poisson(mean), fare=fare, capacity=capacity)
    return bool(np.isclose(told.expected_revenue, value[capacity], rtol=1e-8))


def emsr_b(rng):
    classes = int(rng.integers(2, 6))
    fare = np.sort(rng.uniform(50, 1000, classes))[::-1]
    mean, sd = rng.uniform(5, 60, classes), rng.uniform(2, 20, classes)
    told = co.approximate_booking_limits(co.Normal(mean, sd), fare=fare, capacity=500.0)
    own = []
    for j in range(1, classes):
        average = float(fare[:j] @ mean[:j] / mean[:j].sum())
        own.append(stats.norm.isf(fare[j] / average, mean[:j].sum(), np.sqrt((sd[:j] ** 2).sum())))
    return bool(np.allclose(told.protection, np.maximum(own, 0.0), atol=1e-6))


def network_prices(rng):
    pools, classes = int(rng.integers(1, 4)), int(rng.integers(2, 7))
    take = rng.integers(0, 2, (pools, classes))
    take[0, take.sum(axis=0) == 0] = 1
    room, demand, fare = rng.integers(3, 20, pools), rng.uniform(1, 12, classes), rng.uniform(10, 500, classes)
    told = co.network_bid_prices(take, capacity=room, demand=demand, fare=fare)
    solved = optimize.linprog(-fare, A_ub=take, b_ub=room, bounds=list(zip(np.zeros(classes), demand)))
    # Prices are right where, with the profit that they leave per class, they explain all revenue (strong duality).
    left = np.maximum(fare - take.T @ told.bid_price, 0.0)
    explained = room @ told.bid_price + demand @ left
    return bool(np.isclose(told.revenue, -solved.fun) and np.isclose(explained, told.revenue, rtol=1e-6))


def overbooking(rng):
    capacity, show, most = int(rng.integers(1, 150)), float(rng.uniform(0.5, 0.99)), float(rng.uniform(0.001, 0.2))
    limit = capacity
    while stats.binom.sf(capacity, limit + 1, show) <= most:
        limit += 1
    return limit == float(co.overbooking_limit(capacity, show_probability=show, max_denied_probability=most))


def packing(rng):
    items, capacity = rng.integers(10, 70, int(rng.integers(3, 9))), 100
    best, count = len(items), len(items)

    def place(i, bins):
        nonlocal best
        if len(bins) >= best:
            return
        if i == count:
            best = len(bins)
            return
        for b in range(len(bins)):
            if bins[b] + items[i] <= capacity:
                place(i + 1, [*bins[:b], bins[b] + items[i], *bins[b + 1 :]])
        place(i + 1, [*bins, items[i]])

    place(0, [])
    told = co.bound_bins(items, capacity=capacity)
    loads = np.bincount(told.bin_of_item, weights=items)
    return bool(told.lower <= best <= told.upper and loads.max() <= capacity and len(loads) == told.upper)


def commitment(rng):
    hours = rng.integers(0, 40, int(rng.integers(5, 200)))
    discount = float(rng.uniform(0.05, 0.9))
    told = co.optimize_commitment(hours, discount=discount)
    cost = [q * (1 - discount) + np.maximum(hours - q, 0).mean() for q in range(41)]
    return bool(np.isclose(float(told.cost), min(cost)))


def overcommit(rng):
    """A common factor the rule never saw the law of: realised violations at most twice the nominal (plus noise)."""
    machines, nominal, now, later = int(rng.integers(20, 200)), 0.01, 5_000, 200_000
    spread = float(rng.uniform(0.05, 0.35))
    level = rng.uniform(0.1, 0.6, machines)

    def usage(times):
        common = np.exp(spread * rng.standard_normal(times)) if spread < 0.2 else rng.gamma(9, 1 / 9, times)
        return common * level.sum() + np.sqrt((level**2).sum() * 0.05) * rng.standard_normal(times)

    told = co.tune_overcommit(np.maximum(usage(now), 0), allocated=float(machines), violation=nominal)
    return bool(np.mean(usage(later) > machines / told.multiplier) <= 2 * nominal)


def simulated(rng):
    """The event simulation's 99 % interval holds the exact blocking (a family passes at 97 %: see main)."""
    classes, size, capacity, load = random_pool(rng)
    exact = co.multirate_loss(capacity, load=load, size=size).blocking
    law = [None, co.LogNormal(np.ones(classes), 2.0), co.Deterministic(np.ones(classes))][int(rng.integers(3))]
    told = co.simulate_admission(
        capacity, arrival_rate=load, holding_time=np.ones(classes) if law is None else law, size=size,
        seed=int(rng.integers(1 << 30)), requests=20_000, replications=20, loaded=True,
    )  # fmt: skip
    return bool(told.covers(exact).all())


FAMILIES = (
    erlang_b, erlang_b_large, erlang_c, engset, kaufman_roberts, bandwidth_reservation, network, critical_levels,
    booking_limits, emsr_b, network_prices, overbooking, packing, commitment, overcommit, simulated,
)  # fmt: skip
SLOW = {critical_levels: 2, simulated: 4, overcommit: 4}
ENOUGH = {simulated: 0.95}


def main(count=100, seed=1):
    failed = 0
    for family in FAMILIES:
        started, tried = time.perf_counter(), max(1, count // SLOW.get(family, 1))
        oks = [family(np.random.default_rng([seed, i])) for i in range(tried)]
        fine = sum(oks) >= ENOUGH.get(family, 1.0) * tried
        failed += not fine
        bad = [i for i, ok in enumerate(oks) if not ok][:5]
        told = f" ({time.perf_counter() - started:.1f} s)" + (f" not ok: {bad}" if bad else "")
        print(f"{family.__name__}: {tried} tried, {sum(oks)} ok{told}", flush=True)
    print(f"critical levels: mean {np.mean(QUALITY):.4%}, worst {np.min(QUALITY):.4%} of the best of all policies")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*(int(value) for value in sys.argv[1:])))
