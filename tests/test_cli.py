"""The command line as people and scripts meet it: streams, exit codes, errors without a traceback."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from capacity_opt import cli as cli_package
from capacity_opt.cli import COMMANDS, main
from capacity_opt.cli.run import exit_code
from tests.scenario.bad_inputs import BAD_INPUTS
from tests.scenario.small import spoil, write

FAST = ["--set", "fleet.samples=5", "--set", "frontier.values=[0.9]"]
TOY = Path(__file__).parents[1] / "scenarios" / "toys" / "toy4_lead_time_lots_decommission"


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Call the command line in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return stop.value.code, said.out, said.err

    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with two finished runs of a toy: as given, and with a shorter lead time."""
    out = tmp_path_factory.mktemp("runs")
    for extra in ([], ["--variant", "lead_time_1"]):
        with pytest.raises(SystemExit) as stop:
            main(["run", str(TOY), "--out", str(out), "-q", *extra])
        assert stop.value.code == 0
    return out


def names(out):
    return sorted(path.name for path in out.iterdir())


def test_help_names_every_command(call):
    code, out, _ = call("--help")
    assert code == 0
    assert all(f"  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(call, command):
    code, out, _ = call(command, "--help")
    assert code == 0
    assert f"capacity-opt {command}" in out


def test_unknown_command_says_which_was_meant(call):
    code, _, err = call("vaildate", "x")
    assert code == 2
    assert "Did you mean 'validate'?" in err


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_bad_input_gives_exit_3_with_place_and_fix_on_stderr(call, tmp_path, bad):
    code, out, err = call("validate", spoil(tmp_path / "s", bad.file, bad.old, bad.new))
    assert code == 3
    assert out == ""
    assert f"{bad.code} {bad.place}" in err
    assert all(part in err for part in bad.says)


def test_problems_as_json(call, tmp_path):
    code, out, _ = call("validate", spoil(tmp_path / "s", "classes.csv", "4,0.99,90", "4,99,90"), "--json")
    told = json.loads(out)
    assert code == told["exit_code"] == 3
    assert told["schema_version"] == 1
    assert told["problems"][0] | {"rule": ""} == {
        "code": "E201", "file": "classes.csv", "row": 2, "column": "fill_rate", "value": "'99'", "rule": "",
        "fix": "For a percentage write 0.99", "severity": "error",
    }  # fmt: skip


def test_validate_tells_sizes_and_the_next_command(call, tmp_path):
    code, out, err = call("validate", write(tmp_path / "s"))
    assert code == 0
    assert "2 server types, 3 zones, 2 regions, 3 periods, 2 demand classes, 3 demand groups, 3 items" in out
    assert "Next: capacity-opt run" in err


def test_warnings_go_to_stderr(call, tmp_path):
    code, out, err = call("validate", spoil(tmp_path / "s", "demand.csv", "300,350,420", "300,350,120"))
    assert code == 0
    assert "W212" in err
    assert "W212" not in out


def test_run_prints_the_plan_and_where_it_is(call):
    code, out, _ = call("run", TOY, "--out", "runs")
    assert code == 0
    assert "Order 2 racks (8 servers) in 1" in out
    assert "1,680" in out
    folder = Path("runs") / names(Path("runs"))[0]
    assert str(folder) in out.replace("\n", "")
    assert (folder / "report.html").is_file()
    assert (folder / "workbook.xlsx").is_file()


def test_run_as_json(call):
    code, out, _ = call("run", TOY, "--json", "-q")
    told = json.loads(out)
    assert code == told["exit_code"] == 0
    assert told["manifest"]["objective"] == pytest.approx(1680)
    assert Path(told["folder"]).is_dir()


def test_infeasible_is_exit_4_and_explained(call, tmp_path):
    folder = shutil.copytree(TOY, tmp_path / "toy")
    code, out, err = call("run", folder, "--set", "fleet.shortage_allowed=false")
    assert code in (3, 4)
    assert out == ""
    assert "period 2" in err or "all/main" in err
    assert not Path("runs").exists() or not names(Path("runs"))


def test_run_into_a_file_is_exit_74(call, tmp_path):
    (tmp_path / "taken").write_text("")
    code, _, err = call("run", TOY, "--out", tmp_path / "taken" / "runs")
    assert code == 74
    assert "cannot be written" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--gap", "small"], "0.001"),
        (["--time-limit", "soon"], "5m"),
        (["--seed", "-1"], "-1"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_usage_errors_are_exit_2(call, arguments, says):
    code, _, err = call("run", TOY, *arguments)
    assert code == 2
    assert says in err


def test_unknown_solver_says_which_there_are(call):
    code, _, err = call("run", TOY, "--solver", "magic")
    assert code in (1, 2)
    assert "magic" in err
    assert "highs" in err


def test_dry_run_tells_the_size_and_writes_nothing(call):
    code, out, _ = call("run", TOY, "--dry-run")
    assert code == 0
    assert "columns" in out
    assert not Path("runs").exists()


def test_list_shows_runs(call, runs):
    code, out, _ = call("list", "--out", runs)
    assert code == 0
    assert [name for name in names(runs) if name in out] == names(runs)
    assert "toy4 (lead_time_1)" in out
    code, out, _ = call("list", "--out", runs, "--json")
    assert [run["objective"] for run in json.loads(out)["runs"]] == pytest.approx([1680, 1560])


def test_show_a_run_and_a_resolved_scenario(call, runs):
    code, out, _ = call("show", "latest", "--out", runs)
    assert code == 0
    assert "1,560" in out
    code, out, _ = call("show", TOY, "--resolved", "--set", "fleet.gap=2%")
    assert code == 0
    assert "gap = 0.02" in out


def test_show_without_such_a_run_is_exit_74(call, runs):
    code, _, err = call("show", "20990101", "--out", runs)
    assert code == 74
    assert "no run '20990101'" in err


def test_compare_sums_exactly(call, runs):
    code, out, _ = call("compare", *names(runs), "--out", runs, "--json")
    told = json.loads(out)
    assert code == 0
    found = told["comparisons"][0]
    for name in ("waterfall", "drivers"):
        first, *steps, last = [step["amount"] for step in found[name]]
        assert (first, last) == (1680, 1560)
        assert round(100 * first) + sum(round(100 * step) for step in steps) == round(100 * last)
    assert "lead_time" in [step["name"] for step in found["drivers"]]
    assert "lead_time" in {order["driver"] for order in found["orders_changed"]}


def test_compare_prints_the_difference(call, runs):
    code, out, _ = call("compare", "--out", runs)
    assert code == 0
    assert "-120.00" in out
    assert "S z1 1 " in out
    assert "Changed: variant: none -> lead_time_1" in out
    assert out == call("compare", "latest~1", "latest", "--out", runs)[1]


def test_compare_of_three_runs_tells_each_against_the_first(call, runs):
    code, out, _ = call("compare", "previous", "latest", "previous", "--out", runs, "--no-drivers")
    assert code == 0
    assert "=== A to C\nInputs, options and seed are the same." in out
    assert call("compare", "latest~9", "latest", "--out", runs)[0] == 74


@pytest.mark.parametrize(
    ("condition", "code"), [("cost < -5%", 9), ("cost > +5%", 0), ("cost < -119", 9), ("nonsense > 1", 2), ("cost", 2)]
)
def test_fail_if(call, runs, condition, code):
    assert call("compare", *names(runs), "--out", runs, "--fail-if", condition)[0] == code


def test_report_is_written_again(call, runs):
    folder = runs / names(runs)[0]
    before = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    code, out, _ = call("report", names(runs)[0], "--out", runs)
    assert code == 0
    assert str(folder / "report.html") in out
    assert (folder / "report.html").read_bytes() == before


def test_simulate_judges_again(call, runs):
    code, out, _ = call("simulate", "latest", "--out", runs, "--json")
    told = json.loads(out)
    assert code == 0
    assert told["cost"]["value"] == pytest.approx(1560)


def test_simulate_keeps_its_tables_and_leaves_the_run_as_it_was(call, runs):
    run = runs / names(runs)[-1]

    def content(folder):
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def own():
        return {path: held for path, held in content(run).items() if path.parts[0] != "simulations"}

    before = own()
    code, _, err = call("simulate", run.name, "--out", runs, "--samples", "50", "--seed", "3")
    found = run / "simulations" / "3-50"
    first = content(found)
    assert code == 0
    assert str(found) in err
    assert own() == before
    tables = ("availability", "availability_by_period", "bad_paths", "judged_cost", "utilization")
    assert {str(path) for path in first} == {f"{name}.{kind}" for name in tables for kind in ("csv", "parquet")} | {
        "judgement.json"
    }
    cost = dict(line.split(",")[:2] for line in first[Path("judged_cost.csv")].decode().splitlines()[1:])
    total = float(cost.pop("total"))
    assert total == pytest.approx(1560)
    assert total == pytest.approx(sum(map(float, cost.values())))
    header = (run / "results" / "availability.csv").read_bytes().splitlines()[0]
    assert first[Path("availability.csv")].splitlines()[0] == header
    (found / "availability.csv").write_text("torn")
    call("simulate", run.name, "--out", runs, "--samples", "50", "--seed", "3", "-q")
    assert content(found) == first
    assert [path.name for path in found.parent.iterdir() if path.name.startswith(".")] == []
    call("simulate", run.name, "--out", runs, "--samples", "60", "--no-save", "-q")
    assert not (run / "simulations" / "1-60").exists()
    shutil.rmtree(run / "simulations")
    (run / "simulations").write_text("in the way")
    code, _, err = call("simulate", run.name, "--out", runs)
    (run / "simulations").unlink()
    assert code == 74
    assert "--no-save" in err


def test_frontier_of_values(call):
    code, out, _ = call("frontier", TOY, "--values", "0.8,0.9", "--json", "-q")
    assert code == 0
    assert json.loads(out)["points"]["target"] == [0.8, 0.9]


def test_schema_is_json_schema_with_descriptions(call):
    code, out, _ = call("schema")
    told = json.loads(out)
    assert code == 0
    assert told["$schema"].startswith("https://json-schema.org")
    assert told["properties"]["name"]["description"]
    code, out, _ = call("schema", "--tables")
    assert json.loads(out)["items"]["columns"][0]["required"] is True


def test_doctor_finds_everything_in_order(call):
    code, out, _ = call("doctor")
    assert code == 0, out
    assert "FAIL" not in out


@pytest.mark.parametrize("template", ["both", "fleet", "inventory"])
def test_init_writes_a_scenario_that_runs(call, template):
    code, _, err = call("init", "plan", "--template", template)
    assert code == 0
    assert "capacity-opt run plan" in err
    fast = FAST if template != "inventory" else []
    assert call("run", "plan", "-q", *fast)[0] in (0, 10)
    code, _, err = call("init", "plan")
    assert code == 2
    assert "not empty" in err


@pytest.mark.parametrize("ending", ["mps", "lp"])
def test_export_writes_a_model(call, ending):
    code, out, _ = call("export", TOY, f"model.{ending}")
    assert code == 0
    assert Path(f"model.{ending}").stat().st_size > 100
    assert f"model.{ending}" in out


def test_export_refuses_other_endings(call):
    code, _, err = call("export", TOY, "model.txt")
    assert code == 2
    assert ".mps" in err


def test_sweep_runs_every_combination_once(call):
    grid = ["server_types.price*=1,1.5", "--json", "-q"]
    code, out, _ = call("sweep", TOY, *grid)
    first = json.loads(out)["points"]
    assert code == 0
    assert [point["objective"] for point in first] == pytest.approx([1680, 1920])
    again = json.loads(call("sweep", TOY, *grid, "--html", "sweep.html")[1])["points"]
    assert again == first
    page = Path("sweep.html").read_text(encoding="utf-8")
    assert "Cheapest with server_types.price 1: 1,680; dearest with server_types.price 1.5: 1,920." in page
    assert page.count("<svg") == 1


def test_resume_does_a_killed_run_again(call, tmp_path):
    folder, out = write(tmp_path / "s"), tmp_path / "runs"
    code, _, _ = call("run", folder, "--out", out, "-q", *FAST)
    done = out / names(out)[0]
    request = {"scenario": str(folder), "set": [FAST[1], FAST[3]], "process": 2**22 + 1}
    killed = out / f".partial-{done.name}-x"
    (killed / "results").mkdir(parents=True)
    (killed / "request.json").write_text(json.dumps(request))
    assert "1 run was killed" in call("list", "--out", out)[2]
    assert call("resume", "--out", out, "-q")[0] == code
    assert not killed.exists()
    again = out / names(out)[-1]
    assert again != done
    for path in sorted((done / "results").iterdir()):
        assert path.read_bytes() == (again / "results" / path.name).read_bytes(), path.name


def test_a_promise_not_kept_is_exit_10(call, tmp_path):
    rows = "item,location,holding_cost_usd,fill_rate,lead_time_days,on_hand\n00123,z1,2.5,0.9,60,5\n"
    folder = write(tmp_path / "s", items_csv=rows + "fan,z1,0.5,0.9,30,3\ndimm,z2,4.1,0.9,30,4\n")
    assert call("run", folder, "-q", *FAST, "--set", "fleet.samples=2", "--set", "classes.penalty=0")[0] == 10


def test_exit_codes_of_finished_runs():
    def result(status, kept):
        return SimpleNamespace(status=status, kept=kept)

    assert exit_code(result("optimal", True)) == exit_code(result("optimal", None)) == 0
    assert exit_code(result("feasible", True)) == 6
    assert exit_code(result("optimal", False)) == 10


def test_a_bug_is_owned_up_to_without_a_traceback(call, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("capacity_opt.scenario.read.read_scenario", broken)
    code, _, err = call("validate", TOY)
    assert code == 1
    assert "this is a bug in capacity-opt" in err


@pytest.mark.parametrize(("told", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
def test_an_interrupt_within_compiled_code_is_no_bug(call, monkeypatch, told, code):
    def compiled(*_, **__):
        raise SystemError("returned a result with an exception set") from told

    monkeypatch.setattr("capacity_opt.scenario.read.read_scenario", compiled)
    found, _, err = call("validate", TOY)
    assert found == code
    assert "bug" not in err


def test_disk_full_is_exit_74_and_leaves_old_files_alone(call, tmp_path):
    out = tmp_path / "runs"
    assert call("run", TOY, "--out", out, "-q")[0] == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (4000, 4000))
    process = command("run", TOY, "--out", out, "-q", preexec_fn=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 74, err
    assert "cannot be written" in err
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_same_seed_gives_the_same_bytes(call, tmp_path):
    folder = write(tmp_path / "s")
    for place in ("a", "b"):
        call("run", folder, "--out", place, "-q", *FAST)
    one, two = (next(Path(place).iterdir()) for place in ("a", "b"))
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(two) for path in two.rglob("*") if path.is_file())
    assert [path for path in files if (one / path).read_bytes() != (two / path).read_bytes()] == [Path("timing.json")]


def command(*arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-c", "from capacity_opt.cli import main; main()", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}, **more,
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["schema", "show"])
def test_broken_pipe_is_quiet(runs, verb):
    process = command(verb, *([] if verb == "schema" else [next(runs.iterdir())]))
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    assert process.wait(60) == 141


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_no_torn_run(tmp_path, number, code):
    folder = write(tmp_path / "s")
    process = command("run", folder, "-v", "--set", "simulation.periods=20000", cwd=tmp_path)
    while "replenishment" not in (line := process.stderr.readline()):
        assert line, "ended too early"
    time.sleep(0.3)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Traceback" not in err
    left = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert not [name for name in left if not name.startswith(".partial")]


class DiesOfASignal:
    """A library's object in whose finaliser the signal arrives: whatever is raised there goes no further."""

    def __init__(self, raised):
        self.raised = raised

    def __del__(self):
        raise self.raised


@pytest.mark.parametrize(("raised", "number"), [(KeyboardInterrupt(), signal.SIGINT), (SystemExit(), signal.SIGTERM)])
def test_a_signal_that_a_library_swallows_comes_again(raised, number, monkeypatch, capsys):
    monkeypatch.setattr(sys, "unraisablehook", partial(cli_package._stop_again, sys.__unraisablehook__))
    came, before = [], signal.getsignal(number)
    signal.signal(number, lambda told, _: came.append(told))
    try:
        thing = DiesOfASignal(raised)
        del thing
        deadline = time.monotonic() + 5
        while not came and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        signal.signal(number, before)
    assert came == [number]
    assert not capsys.readouterr().err


def test_query_asks_all_runs(call, runs):
    code, out, _ = call(
        "query", "SELECT run, sum(EffectiveCost) AS total FROM cost GROUP BY run ORDER BY run", "--out", runs, "--json"
    )
    told = json.loads(out)
    assert code == 0
    assert [row[0] for row in told["rows"]] == names(runs)
    assert [row[1] for row in told["rows"]] == pytest.approx([1680, 1560])
    assert "component, period, EffectiveCost" in call("query", "--out", runs)[1]


@pytest.mark.parametrize(
    "sql",
    [
        "SELEKT 1",
        "SELECT * FROM nothing",
        "DELETE FROM cost",
        "SELECT 1; SELECT 2",
        "COPY cost TO 'x.csv'",
        "SELECT * FROM read_text('/etc/hostname')",
    ],
)
def test_queries_that_cannot_be_answered(call, runs, sql):
    code, _, err = call("query", sql, "--out", runs)
    assert code == 2
    assert "cannot be answered" in err


def test_compare_writes_a_page(call, runs):
    code, _, _ = call("compare", *names(runs), "--out", runs, "--html", "compare.html", "-q")
    assert code == 0
    assert "1,560" in Path("compare.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_killed_runs_leave_nothing_torn_and_resume_to_the_same_results(call, tmp_path):
    out = tmp_path / "runs"
    assert call("run", TOY, "--out", out, "-q")[0] == 0
    whole = next(out.iterdir())
    for after in (0.3, 0.8, 1.3, 1.8):
        process = command("run", TOY, "--out", out, "-q")
        time.sleep(after)
        process.kill()
        process.communicate(timeout=20)
    finished = [path for path in out.iterdir() if not path.name.startswith(".partial-")]
    assert all((path / "timing.json").is_file() for path in finished)
    assert call("resume", "--out", out, "-q")[0] == 0
    assert not [
        path for path in out.iterdir() if path.name.startswith(".partial-") and (path / "request.json").exists()
    ]
    for run in (path for path in out.iterdir() if not path.name.startswith(".partial-")):
        for path in sorted((whole / "results").iterdir()):
            assert path.read_bytes() == (run / "results" / path.name).read_bytes()
