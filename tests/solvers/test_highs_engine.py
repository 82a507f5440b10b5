"""One thread pool per process, no word on standard output, and an end within a second when asked to stop."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from capacity_opt.errors import SolverError
from capacity_opt.solvers import highs_engine
from capacity_opt.solvers.highs_engine import POOL, ThreadPool, Watch
from capacity_opt.solvers.highs_session import HighsSession
from capacity_opt.solvers.solve import solve
from tests.solvers.random_programs import feasible_lp

ROOT = Path(__file__).parents[2]
SILENT = """
import numpy as np
from capacity_opt.solvers.highs_session import HighsSession
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.master import Master
from tests.solvers.random_programs import feasible_lp
Master(feasible_lp(1), np.ones(1)).solve(time_limit=9)
HighsSession(feasible_lp(1)).solve()
for name in ("highs", "glop", "pdlp"):
    solve(feasible_lp(1), solver=name)
"""


def test_no_solver_prints_anything():
    ran = subprocess.run([sys.executable, "-c", SILENT], check=True, capture_output=True, text=True, cwd=ROOT)
    assert ran.stdout == ""


def test_a_closed_standard_output_is_survived():
    code = "import os; os.close(1)\n" + SILENT
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)


def test_the_pool_changes_size_only_while_nothing_runs():
    pool = ThreadPool()
    with pool.use(2) as threads:
        assert threads == 2
        with pool.use(2), pool.use(None) as free:
            assert free == 0
        with pytest.raises(SolverError, match="another solve is running on 2 threads"), pool.use(3):
            pass
    with pool.use(3) as threads:
        assert threads == 3


def test_sessions_without_a_watcher_share_the_pool_too():
    for threads in (1, 2, None, 1):
        assert HighsSession(feasible_lp(4), threads=threads, watched=False).solve().reason == "optimal"
        assert solve(feasible_lp(4), threads=threads).reason == "optimal"


def test_solves_in_several_threads_at_once_agree():
    answers = {}

    def work(seed):
        answers[seed] = solve(feasible_lp(seed)).objective

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert answers == pytest.approx({seed: solve(feasible_lp(seed)).objective for seed in range(6)})


def test_a_solver_that_does_not_stop_is_left_behind_with_its_incumbent(monkeypatch):
    monkeypatch.setattr(highs_engine, "STOP_SECONDS", 0.2)

    class Deaf:
        def cancelSolve(self):
            pass

        def wait(self, seconds):
            time.sleep(seconds)
            return False, None

    watch = Watch(started=time.perf_counter(), incumbent=np.ones(2))
    started = time.perf_counter()
    assert highs_engine._stop(Deaf(), watch) is None
    assert watch.abandoned
    assert time.perf_counter() - started < 0.5


def test_what_is_told_is_in_the_callers_money():
    watch = Watch(started=time.perf_counter(), objective=200.0, bound=100.0)
    _, objective, bound, gap = watch.told(scale=4.0)
    assert (objective, bound, gap) == (50.0, 25.0, 0.5)
    assert np.isnan(Watch(started=0.0).told(scale=1.0)[3])


def test_the_pool_of_the_library_is_free_after_a_failure():
    with pytest.raises(KeyError), POOL.use(1):
        raise KeyError
    assert solve(feasible_lp(0), threads=2).reason == "optimal"


def test_a_forked_child_solves():
    """Its parent's thread pool does not come with it."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    solve(feasible_lp(0), threads=2)
    code = (
        "import multiprocessing as mp\n"
        "from capacity_opt.solvers.solve import solve\n"
        "from tests.solvers.random_programs import feasible_lp\n"
        "def child(seed):\n    return solve(feasible_lp(seed), threads=1 + seed % 2).reason\n"
        "child(1)\n"
        "with mp.get_context('fork').Pool(2) as pool:\n    print(pool.map_async(child, range(4)).get(timeout=60))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert ran.stdout.count("optimal") == 4
