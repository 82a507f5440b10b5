import itertools

import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.inventory.guaranteed_service import evaluate_guaranteed_service, optimize_guaranteed_service
from capacity_opt.problem.network import GuaranteedServiceTree, GuaranteedStage


def tree_of(nodes):
    return GuaranteedServiceTree(
        stages=[
            GuaranteedStage(
                name=str(node["id"]),
                holding_cost=node["h"],
                processing_time=node["T"],
                predecessors=tuple(map(str, node["preds"])),
                external_inbound_time=node.get("ext_in", 0),
                maximum_service_time=node.get("max_out"),
                demand_deviation=node["sd"],
                safety_factor=node["k"],
            )
            for node in nodes
        ]
    )


def test_random_trees_agree_with_enumeration():
    rng = np.random.default_rng(2)
    for _ in range(40):
        tree = random_tree(rng, int(rng.integers(2, 5)))
        best = optimize_guaranteed_service(tree)
        assert best.expected_cost == pytest.approx(cheapest_by_enumeration(tree), rel=1e-10)


def random_tree(rng, count):
    preds = {node: [] for node in range(count)}
    for node in range(1, count):
        other = int(rng.integers(node))
        if rng.random() < 0.15:
            continue  # a separate tree
        up, down = (node, other) if rng.random() < 0.5 else (other, node)
        preds[down].append(up)
    nodes = [
        {
            "id": node,
            "h": rng.uniform(0.5, 5),
            "T": int(rng.integers(0, 3)),
            "preds": preds[node],
            "ext_in": int(rng.integers(0, 3)) if rng.random() < 0.5 else 0,
            "max_out": int(rng.integers(0, 3)) if rng.random() < 0.5 else None,
            "sd": rng.uniform(0.5, 4),
            "k": 1.5,
        }
        for node in range(count)
    ]
    return tree_of(nodes)


def cheapest_by_enumeration(tree):
    least = np.inf
    for quotes in itertools.product(range(10), repeat=len(tree.stages)):
        times = dict(zip(tree.by_name, quotes))
        cost = 0.0
        for stage in tree.stages:
            inbound = max([stage.external_inbound_time] + [times[up] for up in stage.predecessors])
            net = inbound + stage.processing_time - times[stage.name]
            most = stage.maximum_service_time
            if net < 0 or (most is not None and times[stage.name] > most):
                cost = np.inf
                break
            cost += stage.holding_cost * stage.safety_factor * stage.demand_deviation * np.sqrt(net)
        least = min(least, cost)
    return least


def test_inner_stages_pool_the_demand_they_feed():
    leaf = {"holding_cost": 3, "processing_time": 1, "predecessors": ("hub",), "maximum_service_time": 0}
    tree = GuaranteedServiceTree(
        stages=[
            GuaranteedStage(name="hub", holding_cost=1, processing_time=4),
            GuaranteedStage(name="a", demand_deviation=3, **leaf),
            GuaranteedStage(name="b", demand_deviation=4, **leaf),
        ]
    )
    stock = evaluate_guaranteed_service(tree, {"hub": 0, "a": 0, "b": 0}).safety_stock["hub"]
    assert stock == pytest.approx(1.645 * 5 * 2)


def test_a_long_line_is_solved():
    stages = [
        GuaranteedStage(
            name=str(i),
            holding_cost=1 + i,
            processing_time=1,
            predecessors=(str(i - 1),) if i else (),
            maximum_service_time=0 if i == 299 else None,
            demand_deviation=1 if i == 299 else None,
        )
        for i in range(300)
    ]
    best = optimize_guaranteed_service(GuaranteedServiceTree(stages=stages))
    assert 0 < best.expected_cost < sum(1.645 * (1 + i) for i in range(300))


def test_bad_trees_and_times_are_named():
    def stage(name, *preds, **more):
        return GuaranteedStage(name=name, holding_cost=1, processing_time=1, predecessors=preds, **more)

    with pytest.raises(ArgumentError, match="closes a ring"):
        GuaranteedServiceTree(stages=[stage("a"), stage("b", "a"), stage("c", "a", "b")])
    with pytest.raises(ArgumentError, match="unknown predecessor 'x'"):
        GuaranteedServiceTree(stages=[stage("a", "x")])
    with pytest.raises(ArgumentError, match="different names, got twice: 'a'"):
        GuaranteedServiceTree(stages=[stage("a"), stage("a")])
    with pytest.raises(ArgumentError, match="needs a demand_deviation"):
        optimize_guaranteed_service(GuaranteedServiceTree(stages=[stage("a")]))
    with pytest.raises(ArgumentError, match=r"service_time\['a'\] must be <= 1, got 5"):
        evaluate_guaranteed_service(GuaranteedServiceTree(stages=[stage("a", demand_deviation=1)]), {"a": 5})
