"""One contract over every executor: results in the order of the parts, errors that name the part, nothing left over."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time

import pytest

from capacity_opt.errors import ArgumentError, InfeasibleError, PartError, Problem, ScenarioError, SolverError
from capacity_opt.executor import EXECUTORS, executor_named, processors

NAMES = [
    "serial",
    "processes",
    pytest.param("dask", marks=pytest.mark.skipif("not __import__('importlib').util.find_spec('distributed')", reason="the extra [dask] is not installed")),  # noqa: E501
    pytest.param("ray", marks=pytest.mark.skipif("not __import__('importlib').util.find_spec('ray')", reason="the extra [ray] is not installed")),  # noqa: E501
]  # fmt: skip


def slow_when_early(part):
    time.sleep(0.2 if part == 0 else 0.0)
    return part, os.getpid()


def no_plan(part):
    if part == 6:
        raise InfeasibleError("no plan keeps every promise", ["fill_rate of gold fails by 3"])
    return slow_when_early(part)


def dies(part):
    os._exit(7)


@pytest.mark.parametrize("name", NAMES)
def test_results_come_in_the_order_of_the_parts_and_an_error_names_its_part(name):
    done, results = [], executor_named(name, 2).map(no_plan, iter(range(9)), label=lambda part: f"region {part}")
    with pytest.raises(PartError, match="part region 6: no plan keeps every promise\nfill_rate of gold") as caught:
        done.extend(results)
    assert [part for part, _ in done] == list(range(6))
    assert (os.getpid() in {process for _, process in done}) == (name == "serial")
    assert isinstance(caught.value.error, InfeasibleError)
    assert caught.value.exit_code == InfeasibleError.exit_code
    assert not multiprocessing.active_children()


def test_a_worker_that_dies_is_told_with_the_part_that_waited():
    with pytest.raises(PartError, match="part a: a worker process ended .*out of memory"):
        list(executor_named("processes", 1).map(dies, ["a", "b"], label=str))


def test_an_abandoned_iteration_leaves_no_process_behind():
    results = executor_named("processes", 2).map(slow_when_early, iter(range(10**9)))
    assert next(results)[0] == 0
    results.close()
    assert not multiprocessing.active_children()


def test_ctrl_c_ends_the_workers_within_a_second(tmp_path):
    script = tmp_path / "sleeps.py"
    script.write_text(
        "import sys, time\nfrom capacity_opt.executor import executor_named\n"
        "def nap(part):\n    time.sleep(0 if part < 2 else 60)\n    return part\n"
        "if __name__ == '__main__':\n"
        "    for part in executor_named('processes', 2).map(nap, range(6)):\n        print(part, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert [process.stdout.readline() for _ in range(2)] == ["0\n", "1\n"]
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in told
    assert "SpawnProcess" not in told


def test_errors_survive_the_way_between_processes():
    problem = Problem(code="E1", file="a.csv", rule="must be > 0", row=3)
    for error in (ScenarioError([problem]), InfeasibleError("none", ["because"]), PartError("b", ValueError("c"))):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), copy.exit_code) == (type(error), str(error), error.exit_code)


def test_unknown_names_and_missing_extras_say_what_to_do(monkeypatch):
    with pytest.raises(ArgumentError, match="executor must be one of serial, processes, dask, ray, got 'spark'"):
        executor_named("spark")
    with pytest.raises(ArgumentError, match="workers must be >= 0"):
        executor_named("processes", -1)
    for name, module in (("dask", "distributed"), ("ray", "ray")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(SolverError, match=rf"needs the package {module}.*capacity-opt\[{name}\]"):
            executor_named(name)
    assert list(EXECUTORS) == ["serial", "processes", "dask", "ray"]
    assert processors() >= 1
