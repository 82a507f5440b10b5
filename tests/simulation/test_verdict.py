"""Promise against judged interval."""

import pytest

from capacity_opt import Estimate
from capacity_opt.simulation.verdict import judge, promise_kept

JUDGED = Estimate(value=0.97, low=0.965, high=0.975, replications=500)


@pytest.mark.parametrize(
    ("target", "outcome"),
    [(0.97, "kept"), (0.965, "kept"), (0.96, "above"), (0.98, "not_kept"), (float("nan"), "no_target")],
)
def test_outcome_is_where_the_target_lies(target, outcome):
    verdict = judge(target, JUDGED, subject="critical", measure="fill")
    assert verdict.outcome == outcome
    assert promise_kept([verdict]) == (outcome != "not_kept")


def test_sentence_shows_the_nines_that_matter():
    judged = Estimate(value=0.99951, low=0.99945, high=0.99957, replications=20000)
    sentence = judge(0.9999, judged, subject="critical", measure="no_shortage_joint").sentence
    assert sentence == (
        "critical: no shortage joint 99.99% was promised, 99.951% judged (95 % interval 99.945% to 99.957%, "
        "20,000 samples): not kept."
    )
