"""Loss systems against published and independently computed numbers; citations are in the case file."""

import json
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co

CASES = json.loads((Path(__file__).parents[1] / "data" / "admission_cases.json").read_text(encoding="utf-8"))["cases"]


def cases(family):
    found = [pytest.param(case, id=case["id"]) for case in CASES if case["family"] == family]
    assert found, family
    return found


def close(case, name, got):
    tolerance = case["tolerance"]
    assert got == pytest.approx(case["expected"][name], rel=tolerance.get("rel", 0.0), abs=tolerance.get("abs", 0.0))
    own = np.asarray(case["own_value"][name])
    np.testing.assert_allclose(got, own, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("case", cases("erlang_b"))
def test_erlang_b(case):
    p = case["inputs"]
    got = co.erlang_b(p["offered_load"], p["servers"])
    close(case, "blocking", float(got))
    assert float(got) == pytest.approx(case["own_value"]["blocking"], rel=1e-12)


@pytest.mark.parametrize("case", cases("erlang_b_inverse"))
def test_load_carried_at_a_blocking(case):
    p = case["inputs"]
    close(case, "offered_load", co.load_for_blocking(p["servers"], p["blocking"]))


@pytest.mark.parametrize("case", cases("erlang_c"))
def test_erlang_c(case):
    p = case["inputs"]
    told = co.erlang_c(p["offered_load"], p["servers"], holding_time=p.get("aht_min", 1.0))
    close(case, "wait_probability", float(told.wait_probability))
    if "asa_min" in p:
        close(case, "service_level", float(told.service_level(p["asa_min"])))


@pytest.mark.parametrize("case", cases("engset"))
def test_engset(case):
    p = case["inputs"]
    told = co.engset(p["sources"], p["channels"], load_per_idle_source=p["beta"])
    for name in case["expected"]:
        close(case, name, float(getattr(told, name)))


@pytest.mark.parametrize("case", cases("pooling"))
def test_one_pool_needs_fewer_servers_than_many(case):
    p = case["inputs"]
    separate, pooled = co.servers_for_blocking([p["load_each"], p["pools"] * p["load_each"]], p["blocking"])
    assert p["pools"] * separate == case["expected"]["separate"]
    assert pooled == case["expected"]["pooled"]


@pytest.mark.parametrize("case", cases("kaufman_roberts") + cases("bandwidth_reservation"))
def test_multirate_pool(case):
    p = case["inputs"]
    pool = co.multirate_loss(p["capacity"], load=p["loads"], size=p["sizes"], reservation=p.get("reservation", 0))
    for name in case["expected"]:
        close(case, name, {"q": pool.occupancy, "blocking": pool.blocking, "mean_used": pool.mean_used}[name])


@pytest.mark.parametrize("case", cases("loss_network_exact"))
def test_network_by_enumeration(case):
    p = case["inputs"]
    told = co.network_loss(p["usage"], capacity=p["capacity"], load=p["loads"])
    assert not told.approximate
    close(case, "blocking", told.blocking)


@pytest.mark.parametrize("case", cases("reduced_load_fixed_point"))
def test_reduced_load_approximation(case):
    p = case["inputs"]
    told = co.approximate_network_loss(p["usage"], capacity=p["capacity"], load=p["loads"], method=p["method"])
    assert told.approximate
    close(case, "blocking", told.blocking)
    if "link_blocking" in case["expected"]:
        close(case, "link_blocking", told.pool_blocking)
