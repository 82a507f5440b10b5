"""The decision of the day: thresholds, spot, reservations, and agreement with the tuned levels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import capacity_opt as co

RULE = co.AdmissionRule(capacity=100, reservation={"gold": 0, "bronze": 12, "spot": 0}, spot={"spot"})


@pytest.mark.parametrize(
    ("name", "used", "size", "admitted"),
    [("gold", 96, 4, True), ("gold", 97, 4, False), ("bronze", 84, 4, True), ("bronze", 85, 4, False)],
)
def test_thresholds(name, used, size, admitted):
    assert co.decide(RULE, name, used=used, size=size).admitted is admitted


def test_the_reason_tells_which_rule_decided():
    assert "must leave 12 for others" in co.decide(RULE, "bronze", used=90, size=1).reason
    assert co.decide(RULE, "gold", used=99, size=2).reason == "refused: 2 asked and 1 free"
    assert co.decide(RULE, "gold", used=0, size=2).reason == "admitted: 2 asked of 100 free"


def test_spot_is_evicted_first_and_only_as_much_as_needed():
    told = co.decide(RULE, "gold", used=90, size=5, spot_used=8)
    assert (told.admitted, told.evict) == (True, 3)
    assert not co.decide(RULE, "spot", used=90, size=3, spot_used=8).admitted
    assert co.decide(RULE, "spot", used=90, size=2, spot_used=8).admitted


def test_sold_reservations_are_kept_from_others_but_not_from_spot():
    assert not co.decide(RULE, "gold", used=80, size=5, reserved=16).admitted
    assert co.decide(RULE, "gold", used=80, size=4, reserved=16).admitted
    assert co.decide(RULE, "spot", used=80, size=20, reserved=16).admitted


def test_overcommit_sells_more_than_there_is():
    rule = co.AdmissionRule(capacity=100, reservation={"a": 0}, overcommit=1.25)
    assert rule.sellable == 125
    assert co.decide(rule, "a", used=124, size=1).admitted
    assert not co.decide(rule, "a", used=125, size=1).admitted


@given(used=st.integers(0, 120), size=st.integers(1, 30), spot=st.integers(0, 60), reserved=st.integers(0, 30))
def test_never_over_capacity_after_evictions(used, size, spot, reserved):
    for name in RULE.reservation:
        told = co.decide(RULE, name, used=used, size=size, spot_used=spot, reserved=reserved)
        assert 0 <= told.evict <= spot
        if told.admitted:
            assert used + size + spot - told.evict <= RULE.sellable or used > RULE.sellable
            assert told == co.decide(RULE, name, used=used, size=size, spot_used=spot, reserved=reserved)


def test_errors_name_the_argument():
    with pytest.raises(co.ArgumentError, match="name must be one of bronze, gold, spot, got 'iron'"):
        co.decide(RULE, "iron", used=0, size=1)
    with pytest.raises(co.ArgumentError, match="size must be >= 1"):
        co.decide(RULE, "gold", used=0, size=0)
    with pytest.raises(co.ArgumentError, match="spot names classes"):
        co.AdmissionRule(capacity=1, reservation={"a": 0}, spot={"b"})
    with pytest.raises(co.ArgumentError, match="whole number"):
        co.AdmissionRule(capacity=1, reservation={"a": 0.5})
