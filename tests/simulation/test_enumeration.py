"""The whole fleet judgement against enumeration: every sample listed, every whole dispatch of every period tried."""

import itertools

import numpy as np
import pytest

from capacity_opt.simulation.fleet import simulate_fleet
from tests.simulation.small_fleets import ListedSamples, fleet, plan

PERIODS, RATE, PENALTY = 2, 0.1, np.array([50.0, 30.0, 20.0])
CLASS = np.array([0, 1, 1])
ALLOWED = np.array([[True, True], [True, False], [False, True]])
HOME = np.array([0, 0, 1])
SERVE = np.array([[1.0, 2.0], [2.0, 0.5], [1.5, 1.0]])
COMPATIBLE = np.array([[True, False], [True, True], [True, True]])
SPILL = np.array([[0.0, 3.0], [0.0, 4.0], [5.0, 0.0]])
RENT, RENT_LIMIT = np.array([7.0, 9.0]), 1
STOCK = np.array([[[2, 2], [1, 0]], [[1, 1], [0, 1]]])  # kind x zone x period
RACKS = np.array([[[1, 0], [0, 0]], [[0, 0], [0, 0]]])  # arrives a period later
PRICE, OPEX = 10.0, 0.25


def best_dispatch(asked, servers, rent):
    """Every whole dispatch: that which serves class 0 most, then class 1, then costs least. ``servers`` (K, G); rented
    servers are of kind 0 in region 0. Gives unmet units per group, and money: substitution, spill, on demand."""
    ways = [
        (j, k, g) for j, k, g in itertools.product(range(3), range(2), range(2)) if COMPATIBLE[j, k] and ALLOWED[j, g]
    ]
    extra = np.array([[RENT_LIMIT, 0], [0, 0]])
    best = {(0,) * 3: [(servers.copy(), 0.0, 0.0)]}
    for j, k, g in ways:  # states: what each group got, with the cheapest money for every use of the servers
        found = {}
        for got, options in best.items():
            for free, swap, far in options:
                for units in range(min(int(free[k, g] + extra[k, g]), int(asked[j]) - got[j]) + 1):
                    left = free.copy()
                    left[k, g] -= units
                    now = tuple(n + units * (i == j) for i, n in enumerate(got))
                    found.setdefault(now, {}).setdefault(left.tobytes(), []).append(
                        (left, swap + units * SERVE[j, k], far + units * SPILL[j, g])
                    )
        best = {
            got: [min(same, key=lambda one: one[1] + one[2]) for same in by_use.values()]
            for got, by_use in found.items()
        }

    def rank(one):
        got, (left, swap, far) = one
        rented = max(-left[0, 0], 0)
        unmet = asked - np.array(got)
        return -got[0], -(got[1] + got[2]), swap + far + rent * rented, tuple(unmet)

    got, (left, swap, far) = min(((got, o) for got, options in best.items() for o in options), key=rank)
    return asked - np.array(got), (swap, far, rent * max(-left[0, 0], 0))


def by_enumeration(demand, chance, stock):
    """Fill, no shortage per period and joint, CVaR (worst 20 %) per class, and money by component."""
    worth = (1 + RATE) ** -np.arange(PERIODS)
    asked, unmet = np.zeros((len(demand), 2, PERIODS)), np.zeros((len(demand), 2, PERIODS))
    money = dict.fromkeys(("substitution", "spill", "on_demand", "penalty"), 0.0)
    for s, t in itertools.product(range(len(demand)), range(PERIODS)):
        short, paid = best_dispatch(demand[s, :, t], stock[:, :, t], RENT[t])
        for j in range(3):
            asked[s, CLASS[j], t] += demand[s, j, t]
            unmet[s, CLASS[j], t] += short[j]
        for name, amount in zip(money, (*paid, float(PENALTY @ short)), strict=True):
            money[name] += chance[s] * worth[t] * amount
    total = unmet.sum(axis=2)
    tail = [
        min(v + chance @ np.maximum(total[:, c] - v, 0) / 0.2 for v in total[:, c]) for c in range(2)
    ]  # Rockafellar and Uryasev: the least over all thresholds
    return {
        "fill": 1 - chance @ total / (chance @ asked.sum(axis=2)),
        "fill_by_period": 1 - np.tensordot(chance, unmet, 1) / np.tensordot(chance, asked, 1),
        "no_shortage_per_period": chance @ (unmet == 0).mean(axis=2),
        "no_shortage_joint": chance @ (unmet == 0).all(axis=2),
        "unmet": chance @ total,
        "shortage_cvar": np.array(tail),
    }, money


@pytest.mark.parametrize(("dispatch", "rounding"), [("optimal", 1e-9), ("exact", 1e-6)])
def test_a_small_fleet_is_judged_as_enumeration_says(dispatch, rounding):
    choices = [(0, 5), (1, 3), (0, 2)]
    outcomes = list(itertools.product(*[values for values in choices for _ in range(PERIODS)]))
    demand = np.array(outcomes, dtype=float).reshape(len(outcomes), 3, PERIODS)
    low = demand == np.min(choices, axis=1)[:, None]
    chance = np.where(low, 0.7, 0.3).prod(axis=(1, 2))
    problem = fleet(
        ListedSamples(demand[..., None], chance), capacity=[[1.0], [1.0]], classes=("a", "b"), group_class=CLASS,
        periods=PERIODS, zones=("z1", "z2"), zone_region=[0, 1], home_region=HOME, allowed_region=ALLOWED,
        compatible=COMPATIBLE, serve_cost=SERVE, spill_cost=SPILL, penalty=PENALTY, price=PRICE, opex=OPEX, lead_time=1,
        initial=STOCK, discount_rate=RATE, shortage_cvar_level=0.8, option_names=("rent",),
        option_kind=("on_demand",), option_price=RENT[None], option_limit=float(RENT_LIMIT),
    )  # fmt: skip
    judged = simulate_fleet(plan(problem, racks=RACKS), problem, seed=1, dispatch=dispatch, shortage_worth=np.inf)
    stock = STOCK + np.concatenate([np.zeros((2, 2, 1)), RACKS[:, :, :1]], axis=2)
    measures, money = by_enumeration(demand, chance, stock)
    assert judged.complete
    for name, value in measures.items():
        np.testing.assert_allclose(getattr(judged, name).value, value, rtol=0, atol=rounding, err_msg=name)
    owned = {"capital": PRICE, "opex": OPEX * stock.sum(axis=(0, 1)) @ [1, 1 / (1 + RATE)]}
    found = {name: float(estimate.value) for name, estimate in judged.cost.items() if estimate.value}
    assert found == pytest.approx({**money, **owned}, rel=10 * rounding)
    assert float(judged.total_cost.value) == pytest.approx(sum(money.values()) + sum(owned.values()), rel=10 * rounding)
    assert 0.02 < measures["no_shortage_joint"].min() < measures["fill"].max() < 0.999
