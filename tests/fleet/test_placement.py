"""Placing servers: nothing over a limit, nothing lost, and as good as trying everything."""

from itertools import product

import numpy as np
import pytest

from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.placement import place_plan, place_servers
from capacity_opt.fleet.rack_mixes import MOST_MIXES, fullest_mixes
from capacity_opt.fleet.size import size_fleet
from capacity_opt.problem.placement import RackTypes, Room, Rows
from tests.fleet_problems import make_problem, toy4


def fleet(kinds, zones=1):
    """``kinds``: (kW, rack units, lot) per server type."""
    types = {f"k{i}": {"power_kw": kw, "rack_units": u, "lot": lot} for i, (kw, u, lot) in enumerate(kinds)}
    regions = {"r": [f"z{z}" for z in range(zones)]}
    return make_problem(types=types, groups={"c": {"penalty": 1}}, demand=[[1.0]], regions=regions)


def room(positions, power, *, zone=None, racks=((42, 12.0, 900.0),), **rules):
    units, kw, price = (np.array(column, dtype=float) for column in zip(*racks))
    count = len(positions)
    return Room(
        rack_types=RackTypes(
            names=tuple(f"f{i}" for i in range(len(racks))), rack_units=units, power_kw=kw, price=price
        ),
        rows=Rows(
            names=tuple(f"row{i}" for i in range(count)),
            zone=np.zeros(count, dtype=int) if zone is None else np.array(zone),
            positions=np.array(positions),
            power_kw=np.array(power, dtype=float),
        ),
        **rules,
    )


def held(placement, problem):
    """Servers placed, (K, Z)."""
    total = np.zeros((problem.sizes["K"], problem.sizes["Z"]), dtype=int)
    for rack in placement.racks:
        for name, count in rack.servers:
            total[problem.server_types.names.index(name), problem.sites.zones.index(rack.zone)] += count
    return total


def keeps_every_limit(placement, problem, room):
    types, rows = problem.server_types, room.rows
    for rack in placement.racks:
        f = room.rack_types.names.index(rack.rack_type)
        servers = dict(rack.servers)
        units = sum(types.rack_units[types.names.index(name)] * count for name, count in servers.items())
        kw = sum(types.power_kw[types.names.index(name)] * count for name, count in servers.items())
        assert units <= room.rack_types.rack_units[f] + 1e-9
        assert kw <= room.rack_types.power_kw[f] + 1e-9
        assert (rack.rack_units, rack.power_kw) == (pytest.approx(units), pytest.approx(kw))
    for i, row in enumerate(placement.rows):
        w = rows.names.index(row.row)
        inside = [rack for rack in placement.racks if rack.row == row.row]
        assert len(inside) == row.racks <= rows.positions[w], i
        assert sum(rack.power_kw for rack in inside) <= rows.power_kw[w] + 1e-9
        assert row.used_kw == pytest.approx(sum(rack.power_kw for rack in inside))
        assert row.free_kw == pytest.approx(rows.power_kw[w] - row.used_kw)


@pytest.mark.parametrize("seed", range(25))
def test_random_rooms_keep_every_limit_and_lose_nothing(seed):
    g = np.random.default_rng(seed)
    kinds = [(g.uniform(0.2, 2), int(g.integers(1, 5)), int(g.integers(1, 6))) for _ in range(g.integers(1, 4))]
    problem = fleet(kinds, zones=2)
    count = int(g.integers(2, 5))
    space = room(
        g.integers(1, 6, count),
        g.uniform(5, 40, count),
        zone=np.sort(g.integers(0, 2, count)),
        racks=((42, 12.0, 900.0), (20, 6.0, 500.0)),
        whole_racks=bool(seed % 2),
        largest_row_share=float(g.choice([0.6, 1.0])),
    )
    servers = g.integers(0, 20, (len(kinds), 2))
    placed = place_servers(servers, problem, space, time_limit=20.0)
    keeps_every_limit(placed, problem, space)
    lots = problem.server_types.lot[:, None] if space.whole_racks else 1
    np.testing.assert_array_equal(held(placed, problem) + placed.unplaced, -(-servers // lots) * lots)
    assert placed.rack_price == pytest.approx(sum({"f0": 900, "f1": 500}[rack.rack_type] for rack in placed.racks))


@pytest.mark.parametrize("seed", range(10))
def test_whole_racks_are_as_good_as_trying_everything(seed):
    g = np.random.default_rng(100 + seed)
    problem = fleet([(float(g.integers(1, 5)), 10, 2), (float(g.integers(1, 5)), 10, 1)])
    positions, power = g.integers(1, 4, 2), g.integers(4, 20, 2)
    space = room(positions, power)
    lots = g.integers(0, 4, 2)
    watts = problem.server_types.power_kw * problem.server_types.lot
    best = None
    for chosen in product(*(range(n + 1) for n in lots for _ in range(2))):
        x = np.array(chosen).reshape(2, 2)
        used = watts @ x
        if np.any(x.sum(axis=1) > lots) or np.any(x.sum(axis=0) > positions) or np.any(used > power):
            continue
        stranded = np.maximum(power - used - (positions - x.sum(axis=0)) * watts.max(), 0).sum()
        value = ((lots - x.sum(axis=1)) @ watts, x.sum(), stranded)
        best = value if best is None else min(best, value)
    placed = place_servers((lots * problem.server_types.lot)[:, None], problem, space)
    assert placed.status == "optimal"
    assert placed.unplaced[:, 0] @ problem.server_types.power_kw == pytest.approx(best[0])
    assert (len(placed.racks), placed.stranded_kw) == (best[1], pytest.approx(best[2]))


def test_mixing_types_in_a_rack_needs_fewer_racks_than_keeping_them_apart():
    problem = fleet([(0.1, 20, 1), (0.1, 22, 1)])
    servers = np.array([[4], [4]])
    assert len(place_servers(servers, problem, room([10], [99], whole_racks=False)).racks) == 4
    assert len(place_servers(servers, problem, room([10], [99], whole_racks=True)).racks) == 8


def test_the_cheaper_rack_is_put_up_where_it_is_enough():
    problem = fleet([(1.0, 2, 5)])
    space = room([5], [99], racks=((42, 12.0, 900.0), (12, 6.0, 300.0)))
    assert {rack.rack_type for rack in place_servers(np.array([[10]]), problem, space).racks} == {"f1"}


def test_what_does_not_fit_is_left_out_and_least_of_it():
    problem = fleet([(3.0, 4, 1), (1.0, 4, 1)])
    placed = place_servers(np.array([[4], [4]]), problem, room([9], [10.0]))
    assert placed.unplaced[:, 0] @ [3.0, 1.0] == 6.0
    assert placed.rows[0].free_kw == 0


def test_stranded_power_and_positions_are_told():
    problem = fleet([(2.0, 4, 1)])
    full = place_servers(np.array([[2]]), problem, room([2], [9.0])).rows[0]
    assert (full.stranded_kw, full.free_positions) == (5.0, 0)
    dry = place_servers(np.array([[2]]), problem, room([6], [5.0])).rows[0]
    assert (dry.stranded_positions, dry.free_kw, dry.stranded_kw) == (4, 1.0, 0.0)


def test_no_row_takes_more_than_its_share():
    problem = fleet([(1.0, 4, 1)])
    placed = place_servers(np.array([[8]]), problem, room([9, 9, 9], [99] * 3, largest_row_share=0.5))
    assert max(row.racks for row in placed.rows) == 4


def test_a_plan_is_placed_by_zone_and_zones_without_rows_place_nothing():
    problem = toy4()
    plan = size_fleet(problem)
    placed = place_plan(plan, problem, room([9], [99]))
    assert sum(count for rack in placed.racks for _, count in rack.servers) == plan.racks.sum() * 4
    nowhere = place_plan(plan, problem, room([0], [0]))
    assert nowhere.unplaced.sum() == plan.racks.sum() * 4


def test_a_lot_too_large_for_every_rack_and_wrong_shapes_are_named():
    problem = fleet([(1.0, 4, 20)])
    with pytest.raises(ArgumentError, match=r"a lot of 'k0' needs 80 rack units and 20 kW and fits no rack type"):
        place_servers(np.array([[20]]), problem, room([9], [99]))
    with pytest.raises(ArgumentError, match=r"rack_units must be > 0 to rack servers one by one, got 0 for k0"):
        place_servers(np.array([[1]]), fleet([(1.0, 0, 1)]), room([9], [99], whole_racks=False))
    with pytest.raises(ArgumentError, match="servers must have shape"):
        place_servers(np.array([20]), problem, room([9], [99]))
    with pytest.raises(ArgumentError, match="largest_row_share must be above 0"):
        room([9], [99], largest_row_share=0.0)


@pytest.mark.parametrize("seed", range(10))
def test_fullest_mixes_are_exactly_the_ones_to_which_nothing_can_be_added(seed):
    g = np.random.default_rng(seed)
    units, watts = g.integers(1, 6, 3), g.integers(0, 6, 3)
    room_units, power = 12, 14
    every = [
        mix for mix in product(range(13), repeat=3) if np.dot(mix, units) <= room_units and np.dot(mix, watts) <= power
    ]
    fullest = [
        mix for mix in every if all(tuple(np.array(mix) + one) not in set(every) for one in np.eye(3, dtype=int))
    ]
    assert fullest_mixes(units, watts, room_units, power) == (sorted(fullest), True)


def test_too_many_mixes_fall_back_to_pairs():
    mixes, complete = fullest_mixes(np.ones(6, dtype=int), np.zeros(6, dtype=int), 42, 1)
    assert not complete
    assert all(np.count_nonzero(mix) <= 2 for mix in mixes)
    assert len(mixes) > MOST_MIXES
