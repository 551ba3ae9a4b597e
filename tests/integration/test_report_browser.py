"""report.html in a real browser: no error on its console, readable at phone and desktop width, tables that sort.

Skips where there is no Chromium (the Debian package `chromium`).
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from experiments.analysis.summary import summary
from experiments.report.page import write_report
from tests.made_run import made_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no chromium here: install the package `chromium` to test the report in it"
    ),
]

#: Narrower than a browser's window may be, so that the page is looked at in a frame.
PHONE, DESKTOP = 375, 1440

#: What a page of a given width shows: how wide it is, the smallest text of its own, and the sorted column.
FRAME = """<!doctype html><iframe id="one" src="report.html" style="width:{width}px;height:900px;border:0"></iframe><script>
one.onload = () => {{
  const page = one.contentDocument, root = page.documentElement;
  const column = () => [...page.querySelector("table.sorts").tBodies[0].rows].map(row => row.cells[0].textContent);
  const head = page.querySelector("table.sorts th");
  head.querySelector("button").click(); const up = column();
  head.querySelector("button").click(); const down = column();
  const sizes = [...page.querySelectorAll("p, li, td, th, figcaption")].map(e => parseFloat(getComputedStyle(e).fontSize));
  const svg = [...page.querySelectorAll("figure svg")].map(e => e.getBoundingClientRect().width);
  document.body.dataset.seen = JSON.stringify({{
    width: root.clientWidth, needed: root.scrollWidth, smallest: Math.min(...sizes), svg, up, down,
    verdict: page.querySelector(".verdict").getBoundingClientRect().top, sort: head.getAttribute("aria-sort"),
  }});
}};
</script>"""


def browse(page: Path, width: int) -> tuple[str, str]:
    """The page's document as the browser has it at last, and what its console says."""
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-extensions",
            "--allow-file-access-from-files",
            "--enable-logging=stderr", "--virtual-time-budget=10000", f"--user-data-dir={page.parent / 'profile'}",
            f"--window-size={max(width + 40, 600)},1000", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def seen(report: Path, width: int) -> tuple[dict[str, Any], str]:
    frame = report.parent / f"frame-{width}.html"
    frame.write_text(FRAME.format(width=width))
    document, console = browse(frame, width)
    told = re.search(r'data-seen="([^"]*)"', document)
    assert told, f"the page never loaded: {console}"
    return json.loads(told[1].replace("&quot;", '"').replace("&amp;", "&")), console


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cells = [{"system.engine": engine} for engine in ("re", "hyperscan", "re2")]
    run = made_run(tmp_path_factory.mktemp("run"), cells, replicates=1)
    write_report(run, summary(run), formats=())
    return run.path / "report.html"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_page_loads_without_an_error_fits_its_width_and_sorts(report: Path, width: int) -> None:
    found, console = seen(report, width)
    assert console == ""
    assert found["width"] == width
    assert found["needed"] <= width, "the page scrolls sideways as a whole"
    assert found["smallest"] >= 12, "text too small to read"
    assert found["svg"]
    assert min(found["svg"]) >= 600, "a figure is squeezed until nobody can read it"
    assert found["verdict"] < 200
    assert found["sort"] == "descending"
    assert found["down"] == found["up"][::-1]
    assert len(set(found["up"])) == 3


@pytest.mark.timeout(240)
def test_a_page_that_fails_and_is_too_wide_is_noticed(report: Path) -> None:
    broken = report.parent / "broken" / "report.html"
    broken.parent.mkdir(exist_ok=True)
    planted = '<script>nobody.wrote(this)</script><div style="width:3000px">wide</div></body>'
    broken.write_text(report.read_text(encoding="utf-8").replace("</body>", planted), encoding="utf-8")
    found, console = seen(broken, PHONE)
    assert "nobody is not defined" in console
    assert found["needed"] > PHONE
