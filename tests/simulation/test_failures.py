"""What breaks, drawn."""

import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.simulation.failures import FailureModel
from capacity_opt.simulation.fleet import simulate_fleet
from tests.simulation.small_fleets import NormalDemand, fleet, plan


def test_outages_are_as_frequent_and_as_long_as_said():
    model = FailureModel(zones=2, types=1, periods=400, zone_failure=np.array([0.02, 0.0]), outage_periods=3.0)
    available, delay = model.draw(200, seed=5)
    failed = available < 1
    assert failed[:, 0].mean() == pytest.approx(0.02 / (0.02 + 1 / 3), abs=0.006)
    assert not failed[:, 1].any()
    starts = failed[:, 0, 1:] & ~failed[:, 0, :-1]
    assert failed[:, 0].sum() / max(1, starts.sum()) == pytest.approx(3.0, rel=0.1)
    assert not delay.any()


def test_servers_down_and_late_deliveries_have_their_means():
    model = FailureModel(zones=3, types=2, periods=50, server_down=0.04, servers_per_zone=50, delay={0: 0.7, 2: 0.3})
    available, delay = model.draw(300, seed=5)
    assert available.mean() == pytest.approx(0.96, abs=0.001)
    assert available.std() == pytest.approx(np.sqrt(0.04 * 0.96 / 50), rel=0.05)
    assert delay.mean() == pytest.approx(0.6, abs=0.06)


def test_a_partial_outage_leaves_the_rest():
    model = FailureModel(zones=1, types=1, periods=5, zone_failure=1.0, lost_share=0.25, outage_periods=1e9)
    assert set(np.unique(model.draw(50, seed=1)[0][:, :, 1:])) == {0.75}


def test_failure_conditional_fill_is_that_of_the_servers_left():
    problem = fleet(
        NormalDemand(np.full((1, 40, 1), 10.0), spread=0.0), periods=40, zones=("a", "b"),
        initial=np.full((1, 2, 40), 6.0),
    )  # fmt: skip
    model = FailureModel.of(problem, zone_failure=np.array([0.1, 0.0]), outage_periods=2.0)
    judged = simulate_fleet(plan(problem), problem, samples=400, seed=2, disruptions=model)
    assert judged.fill_while_zone_lost.value[0] == pytest.approx(0.6)
    share_lost = 0.1 / 0.6
    assert judged.fill.value[0] == pytest.approx(1 - 0.4 * share_lost, abs=0.01)


def test_a_chance_above_one_is_refused():
    with pytest.raises(ArgumentError, match="zone_failure"):
        FailureModel(zones=1, types=1, periods=1, zone_failure=2.0)


def test_spot_stays_away_for_as_long_as_said_and_is_there_as_often():
    model = FailureModel(zones=1, types=1, periods=400, spot_outage_periods=4.0)
    there = model.spot(300, np.array([0.8, 1.0, 0.0]), 400, seed=3)
    assert there[..., 0].mean() == pytest.approx(0.8, abs=0.01)
    assert there[..., 1].all()
    assert not there[..., 2].any()
    gone = ~there[..., 0]
    ends = (gone[:, :-1] & ~gone[:, 1:]).sum()
    assert gone.sum() / ends == pytest.approx(4.0, rel=0.05)


def test_lasting_spot_outages_hurt_in_runs_of_periods():
    demand = NormalDemand(np.full((1, 24, 1), 10.0), spread=0.0)
    problem = fleet(
        demand, periods=24, penalty=50.0, option_names=("spot",), option_kind=("spot",),
        option_price=np.full((1, 24), 1.0), option_availability=np.array([0.9]),
    )  # fmt: skip
    brief = simulate_fleet(plan(problem), problem, samples=800, seed=4)
    model = FailureModel.of(problem, spot_outage_periods=6.0)
    lasting = simulate_fleet(plan(problem), problem, samples=800, seed=4, disruptions=model)
    assert brief.fill.value[0] == pytest.approx(0.9, abs=0.01)
    assert lasting.fill.value[0] == pytest.approx(0.9, abs=0.02)
    assert lasting.no_shortage_joint.value[0] > brief.no_shortage_joint.value[0] + 0.2
    assert lasting.shortage_cvar.value[0] > brief.shortage_cvar.value[0] + 20
