"""Files in SMPS form: every section and modifier that is claimed, read to the numbers they mean."""

from dataclasses import replace

import numpy as np
import pytest

from capacity_opt.errors import ArgumentError, ScenarioError
from capacity_opt.solvers.stochastic.benders import solve_two_stage
from capacity_opt.solvers.stochastic.smps import read_smps
from capacity_opt.solvers.stochastic.smps_writer import write_smps
from capacity_opt.solvers.stochastic.solve import solve_stochastic
from tests.solvers.stochastic.test_benders import random_program
from tests.solvers.stochastic.test_coupling import coupled

CORE = """NAME          NEWS
ROWS
 N  COST
 N  SPARE
 L  LIMIT
 G  DEMAND
 L  SOLD
COLUMNS
    BUY       COST                 3.0   LIMIT                1.0
    BUY       SOLD                -1.0   SPARE                9.0
    SELL      COST               -10.0   SOLD                 1.0
    SELL      DEMAND              -1.0
RHS
    RHS       LIMIT              100.0   DEMAND             -20.0
    RHS       COST                -7.0   SPARE                1.0
BOUNDS
 PL BND       BUY
 UP BND       SELL               500.0
ENDATA
"""
TIME = """TIME          NEWS
PERIODS       LP
    BUY       LIMIT                    NOW
    SELL      DEMAND                   LATER
ENDATA
"""
INDEP = """INDEP         DISCRETE
    RHS       DEMAND             -10.0   LATER                 0.5
    RHS       DEMAND             -30.0   LATER                 0.5
"""
NEWSVENDOR = 3 * 30 - 10 * 20 + 7


def solved(folder, stoch, *, core=CORE, time=TIME, **options):
    for suffix, text in ((".cor", core), (".tim", time), (".sto", f"STOCH         NEWS\n{stoch}ENDATA\n")):
        (folder / f"news{suffix}").write_text(text)
    return solve_stochastic(read_smps(folder / "news"), **options)


@pytest.mark.parametrize(
    "stoch",
    [
        INDEP,
        INDEP.replace("   LATER", "        "),
        "INDEP DISCRETE ADD\n RHS DEMAND 10 LATER 0.5\n RHS DEMAND -10 LATER 0.5\n",
        "INDEP DISCRETE MULTIPLY\n RHS DEMAND 0.5 LATER 0.5\n RHS DEMAND 1.5 LATER 0.5\n",
        "BLOCKS DISCRETE\n BL B1 LATER 0.5\n RHS DEMAND -10\n BL B1 LATER 0.5\n RHS DEMAND -30\n",
        "SCENARIOS DISCRETE REPLACE\n SC S1 'ROOT' 0.5\n RHS DEMAND -10\n SC S2 'ROOT' 0.5 LATER\n RHS DEMAND -30\n",
        "SCENARIOS DISCRETE\n SC S1 ROOT 0.5 NOW\n RHS DEMAND -10\n RHS SOLD 0\n SC S2 S1 0.25 LATER\n RHS DEMAND -30\n"
        " SC S3 S2 0.25 LATER\n RHS SOLD 0\n",
    ],
)
def test_every_way_to_say_it_gives_the_newsvendor(tmp_path, stoch):
    for path in ("decomposition", "auto"):
        answer = solved(tmp_path, stoch, path=path)
        assert answer.path == ("decomposition" if path == "decomposition" else "extensive form")
        assert answer.objective == pytest.approx(NEWSVENDOR, abs=1e-6)
        assert answer.x == pytest.approx([30.0], abs=1e-6)


def test_random_costs_coefficients_and_bounds_take_the_extensive_form(tmp_path):
    cost = "INDEP DISCRETE\n SELL COST -10 LATER 0.5\n SELL COST -2 LATER 0.5\n"
    assert solved(tmp_path, cost).objective == pytest.approx(3 * 20 - 6 * 20 + 7)
    bound = "BLOCKS DISCRETE\n BL B LATER 0.5\n UP BND SELL 10\n BL B LATER 0.5\n UP BND SELL 30\n"
    assert solved(tmp_path, bound).objective == pytest.approx(3 * 20 - 10 * 15 + 7)
    matrix = "BLOCKS DISCRETE\n BL B LATER 0.5\n BUY SOLD -1\n BL B LATER 0.5\n BUY SOLD -0.5\n"
    assert solved(tmp_path, matrix).objective == pytest.approx(3 * 20 - 10 * 15 + 7)


def test_maximisation_ranges_integers_and_blanks_in_names_are_understood(tmp_path):
    most = CORE.replace("NAME          NEWS\n", "NAME          NEWS\nOBJSENSE\n    MAX\n")
    most = (
        most.replace("3.0   LIMIT", "-3.0  LIMIT").replace("-10.0   SOLD", "10.0    SOLD").replace("  -7.0", "   7.0")
    )
    answer = solved(tmp_path, INDEP, core=most)
    assert answer.objective == pytest.approx(-NEWSVENDOR)
    assert answer.bound >= answer.objective - 1e-6
    whole = CORE.replace("COLUMNS\n", "COLUMNS\n    M1        'MARKER'                 'INTORG'\n")
    whole = whole.replace(
        "    SELL      COST", "    M2        'MARKER'                 'INTEND'\n    SELL      COST", 1
    )
    odd = INDEP.replace("-30.0", "-30.9")
    assert solved(tmp_path, odd, core=whole).objective == pytest.approx(3 * 31 - 10 * 20.45 + 7)
    ranged = CORE.replace("BOUNDS\n", "RANGES\n    RNG       LIMIT               60.0\nBOUNDS\n")
    assert solved(tmp_path, INDEP, core=ranged).objective == pytest.approx(3 * 40 - 10 * 20 + 7)
    fields = [line.split() for line in CORE.splitlines()]
    blank = "\n".join(
        f"    {'B Y':<10}{f[1]:<10}{f[2]:>12}   {f[3]:<10}{f[4]:>12}" if f[0] == "BUY" else line
        for f, line in zip(fields, CORE.splitlines())
    ).replace(" PL BND       BUY", " PL BND       B Y")
    named = TIME.replace("BUY ", "B Y ")
    assert solved(tmp_path, INDEP, core=blank, time=named).objective == pytest.approx(NEWSVENDOR)


def test_an_explicit_time_file_may_name_rows_in_any_order(tmp_path):
    text = "TIME NEWS\nPERIODS EXPLICIT\n    NOW\n    LATER\nROWS\n    SOLD      LATER\n    DEMAND    LATER\n    LIMIT     NOW\nCOLUMNS\n    SELL      LATER\n    BUY       NOW\nENDATA\n"  # noqa: E501
    assert solved(tmp_path, INDEP, time=text).objective == pytest.approx(NEWSVENDOR)


@pytest.mark.parametrize(
    ("law", "mean"),
    [("UNIFORM\n RHS DEMAND -30 LATER -10\n", 20.0), ("NORMAL ADD\n RHS DEMAND 0 LATER 4\n", 20.0)],
)
def test_continuous_numbers_are_sampled(tmp_path, law, mean):
    answers = [
        solved(tmp_path, f"INDEP {law}", samples=256, seed=3, sampling=how) for how in ("random", "antithetic", "sobol")
    ]
    ratio = 0.7
    best = 10 + 20 * ratio if "UNIFORM" in law else mean + 2 * 0.5244005
    for answer in answers:
        assert answer.x[0] == pytest.approx(best, rel=0.05)
    assert abs(answers[2].x[0] - best) < 0.1
    with pytest.raises(Exception, match="samples"):
        solved(tmp_path, f"INDEP {law}")


def test_what_is_not_read_is_refused_with_its_line(tmp_path):
    with pytest.raises(ScenarioError, match=r"news.sto:2.*only INDEP, BLOCKS, SCENARIOS"):
        solved(tmp_path, "BLOCKS LINTR\n")
    with pytest.raises(ScenarioError, match=r"news.sto:3.*not a valid line of section INDEP"):
        solved(tmp_path, "INDEP DISCRETE\n RHS NOROW 1 LATER 0.5\n")
    with pytest.raises(ScenarioError, match=r"news.sto:1.*mixes SCENARIOS"):
        solved(tmp_path, INDEP + "SCENARIOS DISCRETE\n SC S1 ROOT 1 NOW\n RHS DEMAND -10\n")
    with pytest.raises(ScenarioError, match=r"news.cor:9.*not a valid line of section COLUMNS"):
        solved(tmp_path, INDEP, core=CORE.replace("BUY       COST  ", "BUY       CAST  "))
    assert np.isfinite(solved(tmp_path, INDEP).objective)


def test_a_written_program_reads_back_to_the_same_optimum(tmp_path):
    taken = 0
    for seed in range(12):
        program = random_program(seed, complete=seed % 2 == 0, samples=5)
        chance = program.groups[0][1].probability
        families = [
            replace(family, groups=tuple(replace(group, probability=chance) for group in family.groups))
            for family in program.families
        ]
        program = replace(program, families=tuple(families))
        write_smps(program, tmp_path / f"p{seed}")
        ours, theirs = solve_two_stage(program), solve_stochastic(read_smps(tmp_path / f"p{seed}"))
        assert theirs.reason == ours.reason
        if ours.reason == "optimal":
            taken += 1
            assert theirs.objective == pytest.approx(ours.objective, rel=1e-6, abs=1e-6)
            assert all(check.passed for check in theirs.checks), [c for c in theirs.checks if not c.passed]
    assert taken >= 5
    with pytest.raises(ArgumentError, match="rows of expectations"):
        write_smps(coupled(0), tmp_path / "refused")


def test_a_random_right_hand_side_moves_both_ends_of_a_range(tmp_path):
    ranged = CORE.replace("BOUNDS\n", "RANGES\n    RNG       DEMAND              20.0\nBOUNDS\n")
    ranged = ranged.replace("-10.0   SOLD", " 10.0   SOLD")
    assert solved(tmp_path, INDEP, core=ranged).objective == pytest.approx(10 * (0 + 10) / 2 + 3 * 10 + 7)
