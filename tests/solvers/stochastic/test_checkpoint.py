"""A killed search goes on from its saved cuts."""

import signal
import subprocess
import sys

import pytest

from capacity_opt.cli import main
from capacity_opt.solvers.stochastic import checkpoint
from capacity_opt.solvers.stochastic.benders import continue_search, start_search
from capacity_opt.solvers.stochastic.checkpoint import cuts_kept, cuts_left_in
from tests.solvers.stochastic.test_coupling import coupled
from tests.solvers.stochastic.test_risk import risky
from tests.test_cli_smps import CORE, STOCH, TIME


class Killed(BaseException):
    """Stands for a kill: nothing after it runs."""


def interrupted(program, folder, iterations):
    def stop(seconds, iteration, incumbent, bound):
        if iteration >= iterations:
            raise Killed

    with pytest.raises(Killed), cuts_kept(folder):
        continue_search(start_search(program), progress=stop)


@pytest.mark.parametrize("program", [coupled(4, samples=40), risky(0, samples=60), risky(1, samples=20)])
def test_a_search_goes_on_where_it_was(program, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)
    whole = continue_search(start_search(program))
    interrupted(program, tmp_path / "cuts", whole.iterations - 2)
    with cuts_left_in(tmp_path / "cuts"):
        search = start_search(program)
        again = continue_search(search)
    assert again.history[0][0] >= whole.iterations - 3, "it began anew"
    assert again.reason == "optimal"
    assert again.objective == pytest.approx(whole.objective, rel=2e-6)
    assert again.bound <= whole.objective * (1 + 1e-7)


def test_cuts_of_another_program_and_torn_files_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)
    interrupted(coupled(4, samples=40), tmp_path, 6)
    (file,) = tmp_path.glob("*.npz")
    with cuts_left_in(tmp_path):
        assert continue_search(start_search(coupled(4, samples=41))).history[0][0] == 0
    file.write_bytes(file.read_bytes()[:500])
    with cuts_left_in(tmp_path):
        assert continue_search(start_search(coupled(4, samples=40))).history[0][0] == 0


KILLING = """
import os, signal, sys
from capacity_opt.cli import main
from capacity_opt.solvers.stochastic import checkpoint
checkpoint.EVERY_SECONDS, save, saved = 0.0, checkpoint.Saving.save, []
def killing(self, search):
    save(self, search)
    saved.append(1)
    if len(saved) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
checkpoint.Saving.save = killing
main(["run", sys.argv[1], "--out", sys.argv[2], "--set", "path=decomposition", "-q"])
"""


def test_resume_finishes_a_run_that_was_killed_from_its_cuts(tmp_path, monkeypatch, capsys):
    for suffix, text in ((".cor", CORE.replace("{room}", "100.0")), (".tim", TIME), (".sto", STOCH)):
        (tmp_path / f"shop{suffix}").write_text(text)
    runs = tmp_path / "runs"
    done = subprocess.run([sys.executable, "-c", KILLING, str(tmp_path / "shop.cor"), str(runs)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(runs.glob(".partial-*/cuts/*.npz"))
    gone_on, inner = [], checkpoint._go_on
    monkeypatch.setattr(checkpoint, "_go_on", lambda search, path: gone_on.append(inner(search, path)))
    with pytest.raises(SystemExit) as stop:
        main(["resume", "--out", str(runs)])
    assert stop.value.code == 0
    assert len(gone_on) == 1
    assert "-50 over 3 outcomes" in capsys.readouterr().out
    (folder,) = runs.iterdir()
    assert not (folder / "cuts").exists()
