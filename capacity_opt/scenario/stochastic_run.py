"""Runs a stochastic program in SMPS form: read, solved, its first stage written into a run folder."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from capacity_opt.errors import (
    InfeasibleError,
    LimitError,
    Problem,
    ScenarioError,
    SolverError,
    UnboundedError,
    VerificationError,
)  # fmt: skip
from capacity_opt.executor import executor_named, processors
from capacity_opt.scenario.problems import did_you_mean, shown
from capacity_opt.scenario.run import MANIFEST_VERSION, version_of, versions
from capacity_opt.scenario.run_folder import CUTS, REQUEST, TIMING, PartialRun, Table
from capacity_opt.solvers.stochastic.checkpoint import cuts_kept
from capacity_opt.solvers.stochastic.saa import SamplingCertificate, certify, samples_needed
from capacity_opt.solvers.stochastic.smps import (
    CORE_SUFFIXES,
    STOCH_SUFFIXES,
    TIME_SUFFIXES,
    StochasticProgram,
    read_smps,
)  # fmt: skip
from capacity_opt.solvers.stochastic.solve import PATHS, StochasticSolution, solve_stochastic
from capacity_opt.solvers.stochastic.tree import MOST_COLUMNS
from capacity_opt.solvers.stochastic.two_stage import MOST_LISTED, SAMPLINGS, SmpsSource
from capacity_opt.solvers.stochastic.ways import DECOMPOSITION, chosen_way, extensive_columns

LISTING = ".smps"
SUFFIXES = (LISTING, *CORE_SUFFIXES)
SETTINGS = ("time", "stoch", "samples", "sampling", "path")
TOLERANCE = 1e-6
GAP, TIME_LIMIT, SEED = 1e-6, 300.0, 1


@dataclass(frozen=True, kw_only=True)
class StochasticRun:
    """A finished run: its ``folder``, ``manifest`` and the first stage (column name to value)."""

    folder: Path
    manifest: dict[str, Any]
    first_stage: dict[str, float]

    @property
    def status(self) -> str:
        """``optimal``, or ``feasible`` where a limit stopped the solver."""
        return str(self.manifest["status"])


@dataclass(frozen=True, kw_only=True)
class SmpsFiles:
    """The files of an instance, how many outcomes to draw (``None``: all of them) and how, and the path asked for."""

    core: Path
    time: Path
    stoch: Path
    samples: int | None = None
    sampling: str = "random"
    path: str = "auto"


def is_smps(path: Path) -> bool:
    """Whether ``path`` names a stochastic program rather than a scenario (by its suffix)."""
    return path.suffix.lower() in SUFFIXES


def smps_files(path: Path, settings: Sequence[str] = ()) -> SmpsFiles:
    """The core, time and stoch files that ``path`` stands for; ``settings`` ``time=``, ``stoch=``, ``samples=``,
    ``sampling=`` and ``path=``.

    ``path`` is the core file, a stem with the suffix ``.smps``, or a ``.smps`` file that lists the three files. Raises
    :class:`~capacity_opt.ScenarioError` where one is missing.
    """
    given = dict(_setting(text) for text in settings)
    names = _listed(path)
    stem = path.with_suffix("")
    core = path.parent / names[0] if names else path if path.suffix != LISTING else _beside(stem, CORE_SUFFIXES)
    time_file = path.parent / names[1] if names else _named(given, "time", core, TIME_SUFFIXES)
    stoch = path.parent / names[2] if names else _named(given, "stoch", core, STOCH_SUFFIXES)
    for file in (core, time_file, stoch):
        if not file.is_file():
            raise _fault(file.name, "no such file", _have(file))
    return SmpsFiles(
        core=core,
        time=time_file,
        stoch=stoch,
        samples=_samples(given.get("samples")),
        sampling=_one_of("sampling", given.get("sampling", SAMPLINGS[0]), SAMPLINGS),
        path=_one_of("path", given.get("path", PATHS[0]), PATHS),
    )


def _setting(text: str) -> tuple[str, str]:
    name, _, value = (part.strip() for part in text.partition("="))
    if name not in SETTINGS or not value:
        raise ScenarioError([Problem("E241", "--set", f"an SMPS instance takes {'=, '.join(SETTINGS)}=",
                                     value=shown(text), fix=did_you_mean(name, SETTINGS))])  # fmt: skip
    return name, value


def _listed(path: Path) -> list[str]:
    if path.suffix != LISTING or not path.is_file():
        return []
    names = path.read_text(encoding="utf-8").split()
    if len(names) != 3:
        raise _fault(path.name, f"must list the core, time and stoch file, has {len(names)} names", "One a line")
    return names


def _named(given: dict[str, str], name: str, core: Path, suffixes: tuple[str, ...]) -> Path:
    return core.parent / given[name] if name in given else _beside(core.with_suffix(""), suffixes)


def _beside(stem: Path, suffixes: tuple[str, ...]) -> Path:
    found = [stem.with_suffix(suffix) for suffix in suffixes if stem.with_suffix(suffix).is_file()]
    return found[0] if found else stem.with_suffix(suffixes[0])


def _have(file: Path) -> str:
    near = sorted(other.name for other in file.parent.glob(f"*{file.suffix}")) if file.parent.is_dir() else []
    option = dict.fromkeys(STOCH_SUFFIXES, "stoch") | dict.fromkeys(TIME_SUFFIXES, "time")
    if near and file.suffix in option:
        return f"Name it: --set {option[file.suffix]}={near[0]} (have {', '.join(near[:10])})"
    return f"Have {', '.join(near[:10])}" if near else "An instance is a .cor, a .tim and a .sto file"


def _one_of(name: str, text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        rule = f"{name} must be one of {', '.join(known)}"
        raise ScenarioError([Problem("E241", "--set", rule, value=shown(text), fix=did_you_mean(text, known))])
    return text


def _samples(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or int(text) < 1:
        raise ScenarioError([Problem("E241", "--set", "samples must be a whole number >= 1", value=shown(text))])
    return int(text)


def _fault(file: str, rule: str, fix: str = "") -> ScenarioError:
    return ScenarioError([Problem("E305", file, rule, fix=fix)])


def way(program: StochasticProgram, samples: int | None, path: str = "auto") -> tuple[str, str]:
    """Which path will be taken and why. Raises :class:`~capacity_opt.ScenarioError` where none can be, with the reason.

    Two stages whose right-hand sides alone are random are decomposed, unless they are small; all others, more stages
    among them, are solved in extensive form where that fits.
    """
    chosen, why = chosen_way(program, samples, path)
    if samples is not None and len(program.stages) != 2:
        raise _fault(program.name, f"cannot be sampled: {why}", "Leave samples out")
    if path == "decomposition" and chosen != DECOMPOSITION:
        raise _fault(program.name, f"cannot be decomposed: {why}", "Leave path out")
    if chosen == DECOMPOSITION:
        if samples is None and program.outcomes > MOST_LISTED:
            rule = f"has {program.outcomes:.3g} outcomes, more than the {MOST_LISTED:,} that can be listed"
            raise _fault(program.name, rule, "Solve a sample of them: --set samples=1000")
        return chosen, why
    size = extensive_columns(program, samples)
    if size > MOST_COLUMNS:
        raise _fault(
            program.name,
            f"{'path=extensive was ' * (why == 'asked for')}{why}, so it is to be solved in extensive form, which "
            f"would have about {size:.3g} columns (limit {MOST_COLUMNS:,})",
            "Solve a sample of it (--set samples=100)" if len(program.stages) == 2 else "Use a smaller stoch file",
        )
    return chosen, why


def run_smps(
    path: str | Path,
    *,
    out: str | Path = "runs",
    set: Sequence[str] = (),
    seed: int | None = None,
    gap: float | None = None,
    time_limit: float | None = None,
    workers: int = 0,
    progress: Callable[[str], None] | None = None,
) -> StochasticRun:
    """Solve the SMPS instance at ``path`` and write a run folder under ``out``.

    ``set``: ``time=``, ``stoch=`` (file names) and ``samples=`` (sample-average approximation with ``seed``); ``gap``
    is relative, ``time_limit`` in seconds; ``workers`` processes share the samples of large recourse problems. Raises
    ``ScenarioError`` (files at fault, or too large, with the reason), ``InfeasibleError``, ``UnboundedError``,
    ``LimitError`` (no incumbent), ``VerificationError``, ``RunFolderError``.
    """
    begun, started = dt.datetime.now(dt.UTC), time.perf_counter()
    files = smps_files(Path(path), set)
    program = read_smps(files.core, time=files.time, stoch=files.stoch)
    way(program, files.samples, files.path)
    chosen = {"seed": SEED if seed is None else seed, "gap": gap or GAP, "time_limit": time_limit or TIME_LIMIT}
    identity = _identity(files, chosen)
    digest = hashlib.sha256(repr(identity).encode()).hexdigest()[:8]
    partial = PartialRun(Path(out), begun, f"{_plain(files.core.stem)}-{digest}")
    request = {"scenario": str(Path(path).resolve()), "out": str(Path(out).resolve()), "set": list(set),
               "variant": None, "solver": None, "process": os.getpid(),
               "seed": seed, "gap": gap, "time_limit": time_limit}  # fmt: skip
    try:
        partial.write_json(REQUEST, request)
        with cuts_kept(partial.path / CUTS):
            answer = _solved(program, files, chosen | {"workers": workers}, progress)
        first, tables = _first_stage(program, answer)
        manifest = _manifest(program, files, answer, identity, first)
        partial.write_json("manifest.json", manifest)
        for name, table in tables.items():
            partial.write_table(name, table)
        for file in (files.core, files.time, files.stoch):
            partial.copy(f"inputs/{file.name}", file)
        seconds = {"started": begun.isoformat(), "seconds": time.perf_counter() - started}
        partial.write_json(TIMING, seconds | {"steps": {"solve": answer.seconds}})
        folder = partial.finish()
    except BaseException:
        partial.discard()
        raise
    return StochasticRun(folder=folder, manifest=manifest, first_stage=first)


def certify_smps(
    path: str | Path,
    *,
    set: Sequence[str] = (),
    samples: int | None = None,
    tolerance: float | None = None,
    sampling: str | None = None,
    seed: int | None = None,
    executor: str = "serial",
    workers: int = 0,
    replications: int = 30,
    fresh: int = 20_000,
) -> list[SamplingCertificate]:
    """Certify the decision that ``samples`` (default 200) of the instance's outcomes give, or find how many are enough
    for ``tolerance`` (a share of the cost). Raises as :func:`run_smps` does, and where it cannot be decomposed."""
    files = smps_files(Path(path), set)
    program = read_smps(files.core, time=files.time, stoch=files.stoch)
    way(program, files.samples or 200, "decomposition")
    source = SmpsSource(program, sampling or files.sampling)
    how: dict[str, Any] = {
        "replications": replications,
        "fresh": fresh,
        "seed": SEED if seed is None else seed,
        "executor": executor_named(executor, workers),
        "workers": 1 if executor == "serial" else workers or processors(),
    }
    if tolerance is not None:
        return list(samples_needed(source, tolerance, **how))
    return [certify(source, samples=samples or files.samples or 200, **how)]


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name).strip("-").lower()[:40] or "instance"


def _identity(files: SmpsFiles, chosen: dict[str, Any]) -> dict[str, Any]:
    inputs = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (files.core, files.time, files.stoch)
    }
    return {
        "tool": {"name": "capacity-opt", "version": version_of("capacity-opt")},
        "libraries": versions(),
        "inputs": inputs,
        "seed": chosen["seed"],
        "options": {
            "samples": files.samples,
            "sampling": files.sampling,
            "path": files.path,
            "gap": chosen["gap"],
            "time_limit": chosen["time_limit"],
        },
    }


def _solved(
    program: StochasticProgram, files: SmpsFiles, chosen: dict[str, Any], progress: Callable[[str], None] | None
) -> StochasticSolution:
    """The answer, or the error that its reason stands for."""

    def tell(seconds: float, iterations: int, lower: float, upper: float) -> None:
        if progress is not None:
            progress(f"{program.name}: {seconds:.0f} s, iteration {iterations}, bounds {lower:,.6g} to {upper:,.6g}")

    answer = solve_stochastic(
        program, samples=files.samples, sampling=files.sampling, path=files.path, progress=tell, **chosen
    )
    if answer.reason == "infeasible":
        raise InfeasibleError(f"{program.name} has no first stage that every outcome can live with")
    if answer.reason == "unbounded":
        raise UnboundedError(f"{program.name} is unbounded: a cost is negative or a bound is missing")
    if answer.reason == "error":
        raise SolverError(f"{program.name} could not be solved by {answer.path}: the solver failed")
    if answer.x is None:
        raise LimitError(f"{program.name}: nothing was found within {chosen['time_limit']:g} s. Raise --time-limit")
    return answer


def _first_stage(program: StochasticProgram, answer: StochasticSolution) -> tuple[dict[str, float], dict[str, Table]]:
    """The first stage by name, its table, and the checks that it keeps its own rows and bounds."""
    lp, place = program.core.lp, np.flatnonzero(program.column_stage == 0)
    assert answer.x is not None
    names = {index: name for name, index in program.core.columns.items()}
    x = np.asarray(answer.x, dtype=np.float64)
    rows = np.flatnonzero(program.row_stage == 0)
    activity = lp.matrix[rows][:, place] @ x
    whole = lp.integer[place]
    beyond = program.core.sense * (answer.bound - answer.objective)
    checks = {check.name: (check.value, check.tolerance) for check in answer.checks}
    own = {
        "first-stage rows kept": _beyond(activity, lp.row_lower[rows], lp.row_upper[rows]),
        "first-stage bounds kept": _beyond(x, lp.column_lower[place], lp.column_upper[place]),
        "first-stage integers whole": float(np.abs(x - np.rint(x))[whole].max(initial=0.0)),
        "bound below objective": max(0.0, beyond) / max(1.0, abs(answer.objective)),
    }
    checks |= {name: (value, TOLERANCE) for name, value in own.items()}
    broken = [f"{name}: {value:.3g} > {limit:g}" for name, (value, limit) in checks.items() if not value <= limit]
    if broken:
        raise VerificationError(f"{program.name}: the answer failed our own check. {'; '.join(broken)}")
    first = {names[int(i)]: float(value) for i, value in zip(place, x)}
    columns: dict[str, Any] = {
        "column": list(first), "value": x, "cost": lp.cost[place], "lower": lp.column_lower[place],
        "upper": lp.column_upper[place], "integer": [bool(flag) for flag in whole],
    }  # fmt: skip
    kept: dict[str, Any] = {
        "check": list(checks),
        "value": [value for value, _ in checks.values()],
        "tolerance": [limit for _, limit in checks.values()],
    }
    kept["passed"] = [True] * len(checks)
    return first, {"first_stage": Table(columns), "checks": Table(kept)}


def _beyond(values: np.ndarray[Any, Any], lower: np.ndarray[Any, Any], upper: np.ndarray[Any, Any]) -> float:
    """The largest violation, relative to the size of what is violated."""
    scale = np.maximum(1.0, np.abs(values))
    return float(np.maximum(np.maximum(lower - values, values - upper) / scale, 0.0).max(initial=0.0))


def _manifest(
    program: StochasticProgram,
    files: SmpsFiles,
    answer: StochasticSolution,
    identity: dict[str, Any],
    first: dict[str, float],
) -> dict[str, Any]:
    used = sum(abs(value) > TOLERANCE for value in first.values())
    drawn = f"{answer.samples:,.0f} {'drawn samples' if files.samples else 'outcomes'}"
    return {
        "schema_version": MANIFEST_VERSION,
        "kind": "stochastic program",
        "name": files.core.stem,
        "title": program.name,
        "variant": None,
        "currency": "",
        **identity,
        "status": answer.reason,
        "answer": f"{program.name}: {answer.objective:,.10g} over {drawn} in {len(program.stages)} stages; "
        f"{used:,} of {len(first):,} first-stage columns are not zero.",
        "promises_kept": None,
        "path": answer.path,
        "why": answer.why,
        "stages": list(program.stages),
        "outcomes": program.outcomes,
        "objective": answer.objective,
        "bound": answer.bound,
        "gap": answer.gap,
    }
