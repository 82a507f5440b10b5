"""Public stochastic programs to their known optimal values (files are read from the shared cases, never committed).

Sources per instance are in the cases' own index: Louveaux & Smeers (1988), the slptestset, POSTS and SIPLIB
collections, Linderoth, Shapiro & Wright (2006).
"""

import json
import os
from pathlib import Path

import pytest

from capacity_opt.solvers.stochastic.smps import read_smps
from capacity_opt.solvers.stochastic.solve import solve_stochastic

CASES = Path(os.environ.get("CAPACITY_OPT_CASES", Path(__file__).parents[3] / "shared" / "cases")) / "stochastic"
QUICK = [
    "lands", "lands-blocks", "lands3st-indep", "lands2", "airl-first", "chem", "pltexpa-2-6", "pltexpa-3-6", "fxm-2-6",
    "stormg2-8", "stormg2-27", "env-15", "env-1200", "envdiss-aggr", "4node-16", "4node-64", "pgp2", "stocfor1",
    "stocfor2", "sgpf5y-3", "lands-1e6",
]  # fmt: skip


@pytest.mark.skipif(not CASES.exists(), reason="the shared stochastic programs are not here (CAPACITY_OPT_CASES)")
@pytest.mark.parametrize("name", QUICK)
def test_public_instance_reaches_its_known_optimum(name):
    index = {case["id"]: case for case in json.loads((CASES / "cases.json").read_text())["cases"]}
    files = index[name]["files"]
    program = read_smps(CASES / files["cor"], time=CASES / files["tim"], stoch=CASES / files["sto"])
    answer = solve_stochastic(program, gap=1e-7, time_limit=60)
    assert answer.reason == "optimal"
    assert answer.objective == pytest.approx(index[name]["optimal"], rel=1e-5)
    assert answer.bound <= index[name]["optimal"] + 1e-6 * abs(index[name]["optimal"])
