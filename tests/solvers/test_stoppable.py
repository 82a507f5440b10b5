"""Ctrl-C stops every solver within about a second and keeps what there is."""

import subprocess
import sys
from pathlib import Path

import pytest

from capacity_opt.solvers.stoppable import run_stoppable

ROOT = Path(__file__).parents[2]
PRESSED = """
import os, signal, sys, threading, time
import numpy as np
from capacity_opt.solvers.solve import solve
from tests.solvers.random_programs import program
name = sys.argv[1]
g = np.random.default_rng(1)
if name in ("cp_sat", "scip", "highs"):
    rows = g.integers(1, 60, (40, 200))
    lp = program(-g.integers(1, 60, 200), rows, np.full(40, -np.inf), rows.sum(axis=1) // 3,
                 column_upper=np.ones(200), integer=np.ones(200, dtype=bool))
else:
    n = 2200
    rows = g.random((n, n))
    lp = program(-g.random(n), rows, np.full(n, -np.inf), rows @ g.random(n), column_upper=np.full(n, 5.0))
solve(program([1.0], [[1.0]], [1.0], [2.0], column_upper=[2.0], integer=[name in ("cp_sat", "scip")]), solver=name)
sent = []
def press():
    while threading.active_count() < 3:  # until the solver has its own thread
        time.sleep(0.05)
    time.sleep(3.0 if name == 'cp_sat' else 1.5)
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press).start()
answer = solve(lp, solver=name, gap=0.0, time_limit=60)
print(answer.limit, answer.reason, time.perf_counter() - sent[0] < 1.5, flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(
    ("name", "reason"),
    [("cp_sat", "feasible"), ("scip", "no_solution"), ("glop", "no_solution")],
)
def test_ctrl_c_ends_a_solve_and_keeps_the_incumbent(name, reason):
    ran = subprocess.run(
        [sys.executable, "-c", PRESSED, name], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert ran.stdout == f"interrupted {reason} True\n", ran.stderr


def test_an_error_in_the_work_comes_through():
    with pytest.raises(ZeroDivisionError):
        run_stoppable(lambda: 1 / 0, lambda: None)
