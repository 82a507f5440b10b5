"""The page in a real browser, offline: our script runs, nothing else does, nothing is asked for."""

import json
import re
import shutil
import subprocess
from importlib.resources import files

import pytest
import synthetic

from capacity_opt.report import compare_page
from capacity_opt.report.html import write_report
from capacity_opt.scenario.compare import compare_runs
from capacity_opt.scenario.past_runs import PastRun

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
OPTIONS += ["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--v=0"]
OPTIONS += ["--host-resolver-rules=MAP * ~NOTFOUND"]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine: install the package chromium")


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    page = write_report(synthetic.write_run(folder / "run"))
    command = [BROWSER, *OPTIONS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def test_no_page_error_and_no_broken_policy(opened):
    assert not re.findall(r"CONSOLE.*|Refused to.*", opened.stderr)


def test_our_script_ran(opened):
    assert re.search(r'<th[^>]*><button type="button">Item</button></th>', opened.stdout)
    assert '<p class="search">' in opened.stdout


def test_hostile_names_made_no_element(opened):
    assert opened.stdout.count("<script") == 1
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in opened.stdout


def test_every_chart_is_drawn(opened):
    assert opened.stdout.count("<svg") == opened.stdout.count("<figure")


RUN_AXE = """
axe.run({exclude: [["svg"]]}, {resultTypes: ["violations"]}).then(found => {
  const told = found.violations.map(v => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)]);
  const box = document.createElement("pre"); box.id = "axe"; box.textContent = JSON.stringify(told);
  document.body.append(box);
});
"""


def accessibility(page, folder):
    """What axe-core finds on a page opened offline: (impact, rule, places, first place). Charts are images with a
    description and a table of their numbers, so their insides are left out."""
    engine = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    probed = folder / "probed.html"
    probed.write_text(text.replace("</body>", f"<script>{engine}</script><script>{RUN_AXE}</script></body>"), "utf-8")
    command = [BROWSER, *OPTIONS, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=20000", "--dump-dom"]
    told = subprocess.run([*command, probed.as_uri()], capture_output=True, text=True, timeout=300, check=True)
    found = re.search(r'<pre id="axe">(.*?)</pre>', told.stdout, re.S)
    assert found, "axe-core did not answer"
    return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


@pytest.mark.parametrize("kind", ["report", "compare"])
def test_axe_finds_nothing_serious(kind, tmp_path):
    pytest.importorskip("axe_core_python", reason="axe-core is not installed: pip install axe-core-python")
    run = synthetic.write_run(tmp_path / "run")
    if kind == "report":
        page = write_report(run)
    else:
        found = compare_runs(PastRun(run), PastRun(run))
        page = compare_page.write_comparison([found], [run, run], tmp_path / "compare.html")
    serious = [each for each in accessibility(page, tmp_path) if each[0] in ("serious", "critical")]
    assert serious == []
