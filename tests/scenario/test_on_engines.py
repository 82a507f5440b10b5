"""Partitions, sweeps and regions on processes, Dask and Ray: two workers, the very same answers as in this process."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co
from capacity_opt.scenario.partitions import write_buckets
from capacity_opt.scenario.sweep import sweep
from tests.fleet.test_regions import regions_apart

TOY = Path(__file__).parents[2] / "scenarios" / "toys" / "toy4_lead_time_lots_decommission"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("dask", marks=pytest.mark.skipif(find_spec("distributed") is None, reason="no extra [dask]")),
        pytest.param("ray", marks=pytest.mark.skipif(find_spec("ray") is None, reason="no extra [ray]")),
    ],
)
def engine(request):
    """A running engine of two workers, which the executors join; arithmetic not compiled, there as here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAPACITY_OPT_COMPILE", "0")
        if request.param == "dask":
            from distributed import Client, LocalCluster

            with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
                yield "dask"
        else:
            import ray

            ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
            yield "ray"
            ray.shutdown()


def test_replenishment_sweeps_and_regions_are_the_same_there(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counts = np.random.default_rng(1).poisson(9, (24, 30)).astype(float)
    pd.DataFrame({"unique_id": np.repeat([f"p{i}" for i in range(24)], 30), "ds": np.tile(np.arange(30), 24),
                  "y": counts.ravel()}).to_parquet("history.parquet", index=False)  # fmt: skip
    write_buckets("history.parquet", "buckets", 4)
    here, there = (co.replenish_partitions("buckets", name, season=0, executor=name) for name in ("serial", engine))
    assert there.totals == here.totals
    for part in sorted(Path("serial").glob("*.parquet")):
        assert (Path(engine) / part.name).read_bytes() == part.read_bytes()

    problem = regions_apart()
    one, other = (co.size_fleet(problem, time_limit=60, executor=name) for name in ("serial", engine))
    assert np.array_equal(one.racks, other.racks)
    assert one.objective == pytest.approx(
        other.objective, rel=1e-12
    )  # to the last bit or two: arrays lie otherwise there

    points = sweep(TOY, ["server_types.price*=1,1.5"], out=Path("runs"), executor=engine)
    assert [point.objective for point in points] == pytest.approx([1680, 1920])
    again = sweep(TOY, ["server_types.price*=1,1.5"], out=Path("runs"))
    assert again == points
