"""The page in a real browser, offline: our script runs, nothing else does, nothing is asked for."""

import re
import shutil
import subprocess

import pytest
import synthetic

from capacity_opt.report.html import write_report

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
