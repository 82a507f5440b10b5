import numpy as np
import pytest

from capacity_opt import ArgumentError, DepotAndBases, GuaranteedServiceTree, GuaranteedStage, SerialSystem


def test_local_holding_costs_add_up_from_the_source():
    system = SerialSystem(echelon_holding_cost=[3, 2, 2], lead_time=[1, 1, 2], stockout_cost=9)
    assert np.array_equal(system.local_holding_cost, [7, 4, 2])


def test_serial_fields_must_match():
    with pytest.raises(ArgumentError, match="echelon_holding_cost 2, lead_time 1"):
        SerialSystem(echelon_holding_cost=[3, 2], lead_time=[1], stockout_cost=9)
    with pytest.raises(ArgumentError, match="stockout_cost must be > 0"):
        SerialSystem(echelon_holding_cost=[3], lead_time=[1], stockout_cost=0)


def test_base_repair_keeps_demand_from_the_depot():
    network = DepotAndBases(
        base_rate=[2, 4],
        order_and_ship_time=1,
        depot_replenishment_time=5,
        base_repair_share=[0.5, 0],
        base_repair_time=3,
    )
    assert np.array_equal(network.depot_rate, [1, 4])
    assert network.depot_pipeline == 25
    assert np.array_equal(network.base_pipeline, [1 * 1 + 1 * 3, 4])


def test_a_depot_without_demand_is_refused():
    with pytest.raises(ArgumentError, match="base_repair_share must be < 1 at some base"):
        DepotAndBases(base_rate=[2], order_and_ship_time=1, depot_replenishment_time=5, base_repair_share=1)
    with pytest.raises(ArgumentError, match=r"order_and_ship_time must have shape \(2,\) \(bases\), got \(3,\)"):
        DepotAndBases(base_rate=[2, 3], order_and_ship_time=[1, 2, 3], depot_replenishment_time=5)


def test_stage_numbers_are_checked_by_name():
    with pytest.raises(ArgumentError, match="processing_time of stage 'a' must be a whole number"):
        GuaranteedStage(name="a", holding_cost=1, processing_time=1.5)
    with pytest.raises(ArgumentError, match="holding_cost of stage 'a' must be >= 0, got -1"):
        GuaranteedStage(name="a", holding_cost=-1, processing_time=1)


def test_a_tree_knows_who_feeds_whom():
    stages = [
        GuaranteedStage(name="a", holding_cost=1, processing_time=1),
        GuaranteedStage(name="b", holding_cost=1, processing_time=1, predecessors=["a"]),
        GuaranteedStage(name="c", holding_cost=1, processing_time=1, predecessors=["a"]),
    ]
    tree = GuaranteedServiceTree(stages=stages)
    assert tree.successors == {"a": ("b", "c"), "b": (), "c": ()}
