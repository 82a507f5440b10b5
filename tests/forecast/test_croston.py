"""Croston, SBA and TSB: by hand, twin against compiled, and what the engine takes of them."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt._compiled import compiled
from capacity_opt.forecast import croston, croston_kernel, intermittent
from capacity_opt.forecast.prepare import prepare

SERIES = [0, 0, 6, 0, 2, 0, 0, 0]


def test_the_recursions_by_hand():
    history = co.History([SERIES])
    size, interval = 6 + 0.2 * (2 - 6), 3 + 0.2 * (2 - 3)
    assert co.croston_mean(history, method="croston", alpha=0.2)[0] == pytest.approx(size / interval)
    assert co.croston_mean(history, method="sba", alpha=0.2)[0] == pytest.approx(0.9 * size / interval)
    chance = (1 / 3) * 0.9
    chance = (chance + 0.1 * (1 - chance)) * 0.9**3
    assert co.croston_mean(history, method="tsb", alpha=0.2, beta=0.1)[0] == pytest.approx(size * chance)
    assert co.croston_mean(co.History([[0.0, 0.0]]))[0] == 0
    with pytest.raises(co.ArgumentError, match="method must be one of croston, sba, tsb"):
        co.croston_mean(history, method="willemain")


@pytest.mark.parametrize("kind", [croston_kernel.CROSTON, croston_kernel.SBA, croston_kernel.TSB])
def test_compiled_and_numpy_agree_to_the_last_bits(kind):
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 60, 200)
    ends = np.cumsum(lengths)
    values = rng.poisson(0.4, ends[-1]) * rng.gamma(2.0, 3.0, ends[-1])
    kernel = compiled(croston_kernel.croston_all) or croston_kernel.croston_all
    out = np.empty(200)
    kernel(values, ends - lengths, ends, kind, 0.15, 0.07, out)
    np.testing.assert_allclose(out, croston.croston_numpy(values, ends - lengths, ends, kind, 0.15, 0.07), rtol=1e-13)


def test_the_backtest_takes_the_rate_that_notices_parts_that_die():
    rng = np.random.default_rng(3)
    alive = rng.integers(20, 110, 600)
    demand = rng.poisson(3.0, (600, 96)) * (rng.random((600, 96)) < 0.5) * (np.arange(96) < alive[:, None])
    blend = intermittent._chosen(prepare(co.History(demand), 6, 0))
    weight = dict(zip(intermittent.MEANS, blend.moments))
    dying = sum(w for kind, w in weight.items() if isinstance(kind, tuple) and kind[0] == "tsb")
    still = sum(w for kind, w in weight.items() if isinstance(kind, tuple) and kind[0] in ("sba", "croston"))
    assert dying > 0.3
    assert still < 0.02  # they do not notice


def test_statsforecast_has_the_same_means():
    models = pytest.importorskip("statsforecast.models", reason="statsforecast is not installed (extra [forecast])")
    rng = np.random.default_rng(1)
    demand = (rng.poisson(2.0, 80) * (rng.random(80) < 0.3)).astype(float)
    for theirs, method, more in ((models.CrostonClassic(), "croston", {}), (models.CrostonSBA(), "sba", {})):
        told = theirs.forecast(y=demand, h=1)["mean"][0]
        assert co.croston_mean(co.History([demand]), method=method, **more)[0] == pytest.approx(told, rel=1e-6)
