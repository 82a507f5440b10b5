"""Tables from databases: DuckDB files, and a real PostgreSQL where one is installed."""

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import capacity_opt as co
from capacity_opt.scenario.past_runs import PastRun
from capacity_opt.scenario.replay import scenario_of
from capacity_opt.scenario.run import execute
from tests.scenario import small

QUERY = "SELECT class, region, period, p10, p50, p90 FROM forecast WHERE version = 'final'"
FAST = ("fleet.samples=5", "frontier.values=[0.9]", "simulation.samples=50", "simulation.periods=60")


def table_sql(folder):
    """Statements that make the table ``forecast`` of a scenario's demand, in any SQL."""
    rows = [line.split(",") for line in (folder / "demand.csv").read_text(encoding="utf-8").splitlines()[1:] if line]
    values = ", ".join(
        f"('{c}', '{g}', DATE '{p}', {a}, {b}, {d}, '{v}')" for c, g, p, a, b, d in rows for v in ("final", "draft")
    )
    columns = "class text, region text, period date, p10 numeric(12, 2), p50 float8, p90 int, version text"
    return f"CREATE TABLE forecast ({columns})", f"INSERT INTO forecast VALUES {values}"


def test_duckdb_answers_like_the_csv_and_reaches_no_other_file(tmp_path):
    import duckdb

    folder = small.write(tmp_path / "s")
    with duckdb.connect(str(folder / "plan.duckdb")) as database:
        for statement in table_sql(folder):
            database.execute(statement)
    plain, asked = co.read_scenario(folder), co.read_scenario(folder, set=[f'demand.file="plan.duckdb#{QUERY}"'])
    for one, other in zip(plain.fleet.demand.draw(4, seed=1), asked.fleet.demand.draw(4, seed=1), strict=True):
        assert (one == other).all()
    with pytest.raises(co.ScenarioError, match="Did you mean 'forecast'"):
        co.read_scenario(folder, set=['demand.file="plan.duckdb#forcast"'])
    with pytest.raises(co.ScenarioError, match="cannot be asked"):
        co.read_scenario(folder, set=["demand.file=\"plan.duckdb#SELECT * FROM read_text('/etc/hostname')\""])
    (folder / "plan.duckdb").write_bytes(b"not a database")
    with pytest.raises(co.ScenarioError, match="E235"):
        co.read_scenario(folder, set=['demand.file="plan.duckdb#forecast"'])


def test_postgres_that_cannot_be_reached_says_what_to_check(tmp_path, monkeypatch):
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'capacity-opt[sql]'")
    monkeypatch.setenv("PGHOST", str(tmp_path))
    with pytest.raises(co.ScenarioError, match=r"E235 postgres#SELECT 1: cannot be asked.*PGHOST, PGDATABASE"):
        co.read_scenario(small.write(tmp_path / "s"), set=['demand.file="postgres#SELECT 1"'])


def _program(name):
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    return found or pytest.skip(f"no PostgreSQL on this machine: {name} is not installed")


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """A server of our own on a socket in a folder, gone afterwards; it refuses to run as root."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'capacity-opt[sql]'")
    initdb, server = _program("initdb"), _program("postgres")
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/pg-XXXXXX"], text=True).strip())
    user = {}
    if os.getuid() == 0:
        account = next((a for a in pwd.getpwall() if a.pw_name in ("postgres", "nobody")), None)
        if account is None:
            pytest.skip("PostgreSQL does not run as root, and there is no account postgres or nobody")
        shutil.chown(folder, account.pw_uid)
        user = {"user": account.pw_uid}
    data = folder / "data"
    common = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    made = subprocess.run(
        [initdb, "-D", data, "-A", "trust", "-U", "planner", "-N", "-E", "UTF8"], check=False, **common
    )
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip("initdb fails on this machine")
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    process = subprocess.Popen([server, "-D", data, *options], **common)
    try:
        deadline = time.monotonic() + 30
        while not (folder / ".s.PGSQL.5432").exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        yield folder
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_real_postgres_is_read_kept_in_the_run_and_never_written(postgres, tmp_path, monkeypatch):
    import psycopg

    for name, value in (("PGHOST", str(postgres)), ("PGUSER", "planner"), ("PGDATABASE", "postgres")):
        monkeypatch.setenv(name, value)
    folder = small.write(tmp_path / "s")
    with psycopg.connect() as connection:
        for statement in table_sql(folder):
            connection.execute(statement)
    setting = f'demand.file="postgres#{QUERY}"'
    plain, asked = co.read_scenario(folder), co.read_scenario(folder, set=[setting])
    for one, other in zip(plain.fleet.demand.draw(4, seed=1), asked.fleet.demand.draw(4, seed=1), strict=True):
        assert (one == other).all()
    with pytest.raises(co.ScenarioError, match=r"read-only|cannot be asked"):
        co.read_scenario(
            folder, set=['demand.file="postgres#WITH x AS (DELETE FROM forecast RETURNING *) SELECT * FROM x"']
        )
    run = PastRun(execute(folder, out=tmp_path / "runs", set=(*FAST, setting)).folder)
    assert [name for name in run.manifest["inputs"] if name.startswith("postgres-")]
    assert "postgres#SELECT" in (run.folder / "resolved.toml").read_text(encoding="utf-8")
    monkeypatch.setenv("PGHOST", str(tmp_path))
    again = scenario_of(run)
    assert (again.fleet.demand.draw(4, seed=1)[0] == plain.fleet.demand.draw(4, seed=1)[0]).all()
