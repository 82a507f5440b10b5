"""``report.html``: one self-contained page, offline, answer first; made from a run folder alone.

Nothing on the page can act: text is escaped by the template, charts are drawn to SVG when the page is written, and the
content security policy allows only our own style and script, by their hashes. Equal run folders give equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from capacity_opt.report import sections
from capacity_opt.report.contents import RunContents, read_run
from capacity_opt.report.wording import clean

TEMPLATES = Path(__file__).parent / "templates"
REPORT_NAME = "report.html"


def write_report(folder: str | Path) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    Raises :class:`~capacity_opt.errors.RunFolderError` where ``folder`` is not a run.
    """
    run = read_run(folder)
    path = Path(folder) / REPORT_NAME
    path.write_text(render_report(run), encoding="utf-8", newline="\n")
    return path


def render_report(run: RunContents) -> str:
    """The page as text."""
    page = {
        "title": clean(run.manifest.get("title") or run.manifest.get("name") or "Run"),
        "answer": sections.answer(run),
        "facts": sections.facts(run),
        "sections": sections.build(run),
        "provenance": sections.provenance(run),
        "resolved": run.resolved,
    }
    return render_page("report.html.j2", page)


def render_page(template: str, page: Mapping[str, Any]) -> str:
    """A page of ``templates/`` with the shared style and script and the policy that allows only these."""
    import jinja2
    from markupsafe import Markup

    from capacity_opt.report.charts.render import svg

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["draw"] = lambda chart: Markup(svg(chart.spec))
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    rendered = environment.get_template(template).render(
        page=page, policy=Markup(policy), style=Markup(style), script=Markup(script)
    )
    return rendered + "\n"


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
