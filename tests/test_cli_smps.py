"""``capacity-opt run`` on stochastic programs in SMPS form: way, answer, run folder, refusals and exit codes."""

import json

import pandas as pd
import pytest

from capacity_opt.cli import main

# Buy x at 2.5 before demand is known (10, 20 or 30, alike), serve y <= x at a revenue of 6. Three demands are equally
# likely, so the newsvendor buys up to the first demand with P(D <= x) >= 1 - 2.5/6: x = 20, and earns
# -2.5 * 20 + 6 * (10 + 20 + 20) / 3 = 50.
CORE = """NAME          shop
ROWS
 N  cost
 L  room
 L  stock
 L  demand
COLUMNS
    x         cost      2.5   room      1.0
    x         stock     -1.0
    y         cost      -6.0   stock     1.0
    y         demand    1.0
RHS
    rhs       room      {room}   demand    10.0
ENDATA
"""
TIME = """TIME          shop
PERIODS
    x         room      first
    y         stock     second
ENDATA
"""
STOCH = """STOCH         shop
INDEP         DISCRETE
    rhs       demand    10.0   second   0.3333333333333333
    rhs       demand    20.0   second   0.3333333333333333
    rhs       demand    30.0   second   0.3333333333333333
ENDATA
"""
RANDOM_COST = (
    STOCH.replace("rhs       demand    10.0", "y         cost      -6.0")
    .replace("rhs       demand    20.0", "y         cost      -3.0")
    .replace("rhs       demand    30.0", "y         cost      -1.0")
)
THREE_CORE = (
    CORE.replace("ENDATA\n", "")
    .replace(" L  demand\n", " L  demand\n L  late\n")
    .replace(
        "    y         demand    1.0\n", "    y         demand    1.0\n    z         cost      -1.0   late      1.0\n"
    )
    .replace("demand    10.0\n", "demand    10.0\n    rhs       late      5.0\n")
    + "ENDATA\n"
)
THREE_TIME = TIME.replace("ENDATA", "    z         late      third\nENDATA")


@pytest.fixture
def instance(tmp_path):
    def write(core=CORE, time=TIME, stoch=STOCH, room="100.0"):
        (tmp_path / "shop.cor").write_text(core.format(room=room))
        (tmp_path / "shop.tim").write_text(time)
        (tmp_path / "shop.sto").write_text(stoch)
        return tmp_path / "shop.cor"

    return write


@pytest.fixture
def call(capsys, tmp_path):
    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(["run", *map(str, arguments), "--out", str(tmp_path / "runs")])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return stop.value.code, said.out, said.err

    return run


def test_two_stages_are_decomposed_and_give_the_newsvendor(call, instance, tmp_path):
    code, out, _ = call(instance(), "--set", "path=decomposition")
    assert code == 0
    assert "shop: -50 over 3 outcomes in 2 stages" in out
    assert "Path:      decomposition (asked for; only right-hand sides are random" in out
    assert "Bound:     -50" in out
    folder = next((tmp_path / "runs").iterdir())
    first = pd.read_csv(folder / "results/first_stage.csv")
    assert first["column"].tolist() == ["x"]
    assert first["value"].tolist() == pytest.approx([20])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["status"], manifest["path"]) == ("optimal", "decomposition")
    assert sorted(manifest["inputs"]) == ["shop.cor", "shop.sto", "shop.tim"]
    assert (folder / "inputs/shop.sto").read_text() == STOCH


def test_json_has_the_first_stage_and_the_manifest(call, instance):
    code, out, _ = call(instance(), "--json")
    told = json.loads(out)
    assert code == told["exit_code"] == 0
    assert told["first_stage"] == pytest.approx({"x": 20})
    assert told["manifest"]["objective"] == pytest.approx(-50)
    assert told["manifest"]["bound"] == pytest.approx(-50)


def test_same_instance_and_seed_give_the_same_bytes(call, instance, tmp_path):
    path = instance()
    call(path)
    call(path)
    one, two = sorted((tmp_path / "runs").iterdir())
    for name in ("manifest.json", "results/first_stage.parquet", "results/checks.csv"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_random_costs_go_to_the_extensive_form_with_the_reason(call, instance):
    code, out, _ = call(instance(stoch=RANDOM_COST))
    assert code == 0
    # Serving earns 10/3 a unit in the mean, at most 10 units are asked, buying costs 2.5: 10 * (10/3 - 2.5).
    assert "shop: -8.333333333 over 3 outcomes" in out
    assert (
        "Path:      extensive form (its recourse matrix, cost or bounds are random, not only right-hand sides)" in out
    )


def test_three_stages_are_solved_in_extensive_form(call, instance):
    code, out, _ = call(instance(core=THREE_CORE, time=THREE_TIME))
    assert code == 0
    assert "shop: -55 over 3 outcomes in 3 stages" in out
    assert "extensive form (it has 3 stages)" in out


def test_more_stages_than_fit_are_refused_with_the_reason(call, instance, tmp_path):
    many = "".join(f"    rhs       demand    {i}.0   second   0.01\n" for i in range(100))
    late = "".join(f"    rhs       late    {i}.0   third   0.00001\n" for i in range(100_000))
    stoch = f"STOCH         shop\nINDEP         DISCRETE\n{many}{late}ENDATA\n"
    code, _, err = call(instance(core=THREE_CORE, time=THREE_TIME, stoch=stoch))
    assert code == 3
    assert "it has 3 stages, so it is to be solved in extensive form, which would have about 1e+07 columns" in err
    assert not (tmp_path / "runs").exists()


def test_samples_are_drawn_where_asked(call, instance):
    code, out, _ = call(instance(), "--set", "samples=500", "--seed", "3")
    assert code == 0
    assert "over 500 drawn samples" in out
    code, out, _ = call(instance(stoch=RANDOM_COST), "--set", "samples=100", "--set", "sampling=sobol")
    assert code == 0
    assert "over 100 drawn samples" in out
    code, _, err = call(instance(stoch=RANDOM_COST), "--set", "path=decomposition", "--set", "sampling=halton")
    assert code == 3
    assert "sampling must be one of random, antithetic, sobol" in err
    code, _, err = call(instance(stoch=RANDOM_COST), "--set", "path=decomposition")
    assert code == 3
    assert "cannot be decomposed: its recourse matrix, cost or bounds are random" in err


def test_an_instance_that_asks_for_too_much_is_exit_4(call, instance, tmp_path):
    core = CORE.replace(" L  demand\n", " G  demand\n")
    code, _, err = call(instance(core=core, room="15.0"))
    assert code == 4
    assert "shop has no first stage that every outcome can live with" in err
    assert not list((tmp_path / "runs").glob("*"))


def test_files_by_name_and_by_listing(call, instance, tmp_path):
    path = instance()
    (tmp_path / "shop.sto").rename(tmp_path / "other.sto")
    code, _, err = call(path)
    assert code == 3
    assert "E305 shop.sto: no such file. Name it: --set stoch=other.sto" in err
    assert call(path, "--set", "stoch=other.sto")[0] == 0
    (tmp_path / "shop.smps").write_text("shop.cor\nshop.tim\nother.sto\n")
    code, out, _ = call(tmp_path / "shop.smps")
    assert code == 0
    assert "-50 over 3 outcomes" in out


def test_the_suffix_smps_stands_for_the_stem(call, instance, tmp_path):
    instance()
    code, out, _ = call(tmp_path / "shop.smps")
    assert code == 0
    assert "-50 over 3 outcomes" in out


def test_dry_run_tells_the_way_and_writes_nothing(call, instance, tmp_path):
    code, out, _ = call(instance(), "--dry-run")
    assert code == 0
    assert "path      extensive form" in out
    assert "few enough for one program" in out
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--variant", "late"), 2, "--variant has no meaning for a stochastic program"),
        (("--set", "sample=5"), 3, "Did you mean 'samples'?"),
        (("--set", "samples=few"), 3, "samples must be a whole number >= 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(call, instance, arguments, code, says):
    got, _, err = call(instance(), *arguments)
    assert got == code
    assert says in err


def test_a_bad_line_has_its_place(call, instance):
    code, _, err = call(instance(stoch=STOCH.replace("20.0", "twenty")))
    assert code == 3
    assert "shop.sto:4" in err


def test_a_finished_run_can_be_shown_and_listed(call, instance, capsys, tmp_path):
    call(instance())
    for command in (["show", "latest"], ["list"]):
        with pytest.raises(SystemExit) as stop:
            main([*command, "--out", str(tmp_path / "runs")])
        assert stop.value.code == 0
        assert "shop" in capsys.readouterr().out
