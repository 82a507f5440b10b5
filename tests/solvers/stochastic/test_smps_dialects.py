"""Random two-stage instances in the dialects of SMPS, against an expansion made from the numbers, not the files.

Fixed and free columns, names with blanks, ranges, integer markers, an objective constant, Fortran exponents; INDEP,
BLOCKS whose later outcomes leave entries out, SCENARIOS that inherit; REPLACE, ADD, MULTIPLY; right-hand sides, costs,
bounds, technology and recourse coefficients.
"""

import itertools

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from capacity_opt.solvers.stochastic.smps import read_smps
from capacity_opt.solvers.stochastic.solve import solve_stochastic
from capacity_opt.solvers.stochastic.two_stage import why_not_decomposed

KINDS = ("h", "T", "W", "c2", "u2")


def instance(g):
    """x: 2 columns, 1 row; y: 3 columns, 2 rows of >=, the first perhaps a range."""
    data = {
        "c1": g.uniform(1, 4, 2),
        "c2": g.uniform(1, 6, 3),
        "A": g.uniform(0.5, 2, (1, 2)),
        "b": g.uniform(8, 15, 1),
    }
    data |= {"T": g.uniform(0.5, 2, (2, 2)), "W": g.uniform(0.5, 2, (2, 3)), "h": g.uniform(3, 9, 2)}
    data |= {"u2": g.uniform(5, 20, 3)}
    data = {name: np.round(value, 2) for name, value in data.items()}
    more = {"constant": float(np.round(g.uniform(-5, 5), 2)), "whole": bool(g.random() < 0.4)}
    return data | more | {"width": float(np.round(g.uniform(3, 8), 1)) if g.random() < 0.5 else np.inf}


def expanded(d, outcomes):
    """The optimum of the extensive form; an outcome is (probability, {(name, *index): value})."""
    n = 2 + 3 * len(outcomes)
    cost, upper = np.zeros(n), np.full(n, np.inf)
    cost[:2], upper[:2] = d["c1"], 10.0
    rows, low, high = [np.concatenate([d["A"][0], np.zeros(n - 2)])], [-np.inf], [d["b"][0]]
    for s, (p, changes) in enumerate(outcomes):
        own = {name: d[name].copy() for name in KINDS}
        for (name, *index), value in changes.items():
            own[name][tuple(index)] = value
        here = slice(2 + 3 * s, 5 + 3 * s)
        cost[here], upper[here] = p * own["c2"], own["u2"]
        for i in range(2):
            row = np.zeros(n)
            row[:2], row[here] = own["T"][i], own["W"][i]
            rows.append(row)
            low.append(own["h"][i])
            high.append(own["h"][i] + d["width"] if i == 0 else np.inf)
    whole = np.arange(n) < 2 * d["whole"]
    found = milp(
        cost, constraints=LinearConstraint(np.array(rows), low, high), bounds=Bounds(0, upper), integrality=whole
    )
    return None if found.x is None else found.fun + d["constant"]


class Dialect:
    """How one file is written."""

    def __init__(self, g):
        self.g, self.fixed = g, bool(g.random() < 0.5)
        blank = " " if self.fixed and g.random() < 0.5 else "_"
        self.rows = {"b": [f"LIM{blank}0"], "h": [f"DEM{blank}0", f"DEM{blank}1"]}
        self.x, self.y = [f"BUY{blank}{j}" for j in range(2)], [f"RUN{blank}{j}" for j in range(3)]
        self.fortran = bool(g.random() < 0.3)

    def number(self, value):
        return f"{value:.4E}".replace("E", "D") if self.fortran else f"{value:.6g}"

    def line(self, *words):
        code, one, two, value, three, other = (*words, *[""] * (6 - len(words)))
        if self.fixed:
            return f" {code:<2} {one:<8}  {two:<8}  {value:>12}   {three:<8}  {other:>12}".rstrip()
        return " " + " ".join(word for word in (code, one, two, value, three, other) if word)

    def core(self, d):
        limit, (first, second) = self.rows["b"][0], self.rows["h"]
        lines = ["NAME          T", "ROWS", " N  COST", self.line("L", limit), self.line("G", first)]
        lines += [self.line("G", second), "COLUMNS"]
        mark = "    MARKER                 'MARKER'                 'INT{}'"
        lines += [mark.format("ORG")] if d["whole"] else []
        for j, name in enumerate(self.x):
            lines.append(self.line("", name, "COST", self.number(d["c1"][j]), limit, self.number(d["A"][0, j])))
            lines.append(self.line("", name, first, self.number(d["T"][0, j]), second, self.number(d["T"][1, j])))
        lines += [mark.format("END")] if d["whole"] else []
        for j, name in enumerate(self.y):
            lines.append(self.line("", name, "COST", self.number(d["c2"][j])))
            lines += [self.line("", name, row, self.number(d["W"][i, j])) for i, row in enumerate((first, second))]
        right = [(limit, d["b"][0]), (first, d["h"][0]), (second, d["h"][1]), ("COST", -d["constant"])]
        lines += ["RHS", *(self.line("", "RHS1", row, self.number(value)) for row, value in right)]
        if np.isfinite(d["width"]):
            lines += ["RANGES", self.line("", "RNG", first, self.number(d["width"]))]
        bounds = [(name, 10.0) for name in self.x] + list(zip(self.y, d["u2"], strict=True))
        lines += ["BOUNDS", *(self.line("UP", "BND", name, self.number(value)) for name, value in bounds), "ENDATA"]
        return "\n".join(lines) + "\n"

    def time(self):
        words = (("", self.x[0], self.rows["b"][0], "", "NOW"), ("", self.y[0], self.rows["h"][0], "", "LATER"))
        return (
            "\n".join(["TIME          T", "PERIODS       LP", *(self.line(*each) for each in words), "ENDATA"]) + "\n"
        )

    def named(self, element):
        name, *index = element
        return {
            "h": lambda i: ("", "RHS1", self.rows["h"][i]),
            "T": lambda i, j: ("", self.x[j], self.rows["h"][i]),
            "W": lambda i, j: ("", self.y[j], self.rows["h"][i]),
            "c2": lambda j: ("", self.y[j], "COST"),
            "u2": lambda j: ("UP", "BND", self.y[j]),
        }[name](*index)


class Randomness:
    """Draws changes and writes them as one section of a stoch file."""

    def __init__(self, g, d, dialect, *, plain):
        self.g, self.d, self.dialect = g, d, dialect
        self.mode = ("REPLACE", "ADD", "MULTIPLY")[g.integers(3)]
        sizes = {"h": (2,), "T": (2, 2), "W": (2, 3), "c2": (3,), "u2": (3,)}
        chosen = ["h", *(name for name in KINDS[1:] if not plain and g.random() < 0.4)]
        self.elements = [(name, *(int(g.integers(size)) for size in sizes[name])) for name in chosen]

    def drawn(self, element):
        """The number in the file, and the value that it means."""
        name, *index = element
        core = float(self.d[name][tuple(index)])
        wanted = core * float(self.g.uniform(0.6, 1.2))
        told = float(f"{ {'REPLACE': wanted, 'ADD': wanted - core, 'MULTIPLY': wanted / core}[self.mode]:.4E}")
        return told, {"REPLACE": told, "ADD": core + told, "MULTIPLY": core * told}[self.mode]

    def entry(self, element, told, *more):
        return self.dialect.line(*self.dialect.named(element), self.dialect.number(told), *more)

    def independent(self):
        lines, each = [], []
        for element in self.elements:
            draws = [(p, *self.drawn(element)) for p in (0.3, 0.7)]
            lines += [self.entry(element, told, "LATER", self.dialect.number(p)) for p, told, _ in draws]
            each.append([(p, {element: value}) for p, _, value in draws])
        return lines, joint(each)

    def blocks(self):
        lines, each, half = [], [], max(1, len(self.elements) // 2)
        for name, elements in (("ONE", self.elements[:half]), ("TWO", self.elements[half:])):
            known, outcomes = {}, []
            for p in (0.2, 0.5, 0.3) if elements else ():
                lines.append(self.dialect.line("BL", name, "LATER", self.dialect.number(p)))
                own = dict(known)
                for element in elements:
                    if not known or self.g.random() < 0.6:
                        told, own[element] = self.drawn(element)
                        lines.append(self.entry(element, told))
                known = known or own
                outcomes.append((p, own))
            each += [outcomes] if elements else []
        return lines, joint(each)

    def scenarios(self):
        lines, outcomes = [], []
        for k, p in enumerate((0.25, 0.25, 0.3, 0.2)):
            child = k > 0 and self.g.random() < 0.5
            lines.append(self.dialect.line("SC", f"S{k}", "S0" if child else "'ROOT'", self.dialect.number(p), "LATER"))
            own = dict(outcomes[0][1]) if child else {}
            for element in self.elements:
                if k == 0 or self.g.random() < 0.7:
                    told, own[element] = self.drawn(element)
                    lines.append(self.entry(element, told))
            outcomes.append((p, own))
        return lines, outcomes


def joint(each):
    return [
        (np.prod([p for p, _ in picked]), {element: v for _, own in picked for element, v in own.items()})
        for picked in itertools.product(*each)
    ]


@pytest.mark.parametrize("block", range(4))
def test_every_dialect_means_the_same_program(block, tmp_path):
    decomposed = 0
    for seed in range(12 * block, 12 * block + 12):
        g = np.random.default_rng(seed)
        d, dialect = instance(g), Dialect(g)
        randomness = Randomness(g, d, dialect, plain=seed % 4 == 0)
        section = ("INDEP", "BLOCKS", "SCENARIOS")[seed % 3]
        lines, outcomes = (randomness.independent, randomness.blocks, randomness.scenarios)[seed % 3]()
        head = ["STOCH         T", f"{section:<14}DISCRETE       {randomness.mode}"]
        (tmp_path / "t.cor").write_text(dialect.core(d))
        (tmp_path / "t.tim").write_text(dialect.time())
        (tmp_path / "t.sto").write_text("\n".join([*head, *lines, "ENDATA"]) + "\n")
        program, truth = read_smps(tmp_path / "t"), expanded(d, outcomes)
        for path in ("extensive", "decomposition") if why_not_decomposed(program) is None else ("extensive",):
            found = solve_stochastic(program, path=path, gap=1e-8, time_limit=20)
            told = (seed, section, randomness.mode, path, dialect.fixed)
            assert (found.x is None) == (truth is None), told
            assert truth is None or found.objective == pytest.approx(truth, rel=1e-6), told
            decomposed += path == "decomposition"
    assert decomposed >= 3
