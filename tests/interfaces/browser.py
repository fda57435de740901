"""Headless Chromium for the tests that draw: a page opened offline, its picture, what it measured.

Debian's package `chromium` is enough. Every run has a new profile and no name resolves, so a page
that asks for anything outside fails to load it and says so on the console.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --hide-scrollbars "
    "--enable-logging=stderr --v=0"
).split()
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"
# The names under which distributions ship it.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Every visible text of a chart by its box: what overlaps another, leaves its chart or is too small,
# and what makes the page wider than the window. It runs in a copy of the page without its policy.
_MEASURE = """
<script>addEventListener('load', () => {
  const found = {overlaps: [], outside: [], small: [], charts: 0, texts: 0};
  for (const chart of document.querySelectorAll('svg')) {
    const frame = chart.getBoundingClientRect();
    if (!frame.width) continue;
    found.charts += 1;
    const boxes = [];
    for (const item of chart.querySelectorAll('text')) {
      const b = item.getBoundingClientRect(), words = item.textContent;
      const shown = parseFloat(item.getAttribute('font-size')) * frame.width
        / chart.viewBox.baseVal.width;
      found.texts += 1;
      if (shown < 8) found.small.push([words, shown]);
      if (b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 1
          || b.bottom > frame.bottom + 1) found.outside.push([words, chart.ariaLabel]);
      // A line's box is taller than its letters: a quarter of it is air above and below.
      boxes.push([b.left + 0.5, b.top + b.height * 0.22, b.right - 0.5,
        b.bottom - b.height * 0.22, words]);
    }
    for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
      const p = boxes[i], q = boxes[j];
      if (p[0] < q[2] && q[0] < p[2] && p[1] < q[3] && q[1] < p[3])
        found.overlaps.push([p[4], q[4], chart.ariaLabel]);
    }
  }
  found.page_width = document.documentElement.scrollWidth;
  found.window_width = document.documentElement.clientWidth;
  found.laid_out_ms = performance.now();
  console.log('MEASURED' + JSON.stringify(found) + 'END');
})</script>
"""


@dataclass(frozen=True)
class Shot:
    """What one run of the browser gave."""

    seconds: float
    width: int
    height: int
    console: list[str]


class Browser:
    """A browser found on the path; ``folder`` takes profiles and pictures."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder
        self._runs = 0

    def _run(self, page: Path, *flags: str) -> tuple[str, str, float]:
        self._runs += 1
        profile = self.folder / f"profile{self._runs}"
        command = [
            self.program,
            *FLAGS,
            OFFLINE,
            f"--user-data-dir={profile}",
            *flags,
            page.as_uri(),
        ]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, timeout=120, check=True)
        seconds = time.perf_counter() - start
        shutil.rmtree(profile, ignore_errors=True)
        return done.stdout.decode(), done.stderr.decode(errors="replace"), seconds

    def shoot(self, page: Path, picture: Path, width: int, height: int = 2000) -> Shot:
        """A picture of the page; ``console`` is what the page complained of."""
        size = f"--window-size={width},{height}"
        _, log, seconds = self._run(page, size, f"--screenshot={picture}")
        w, h = struct.unpack(">II", picture.read_bytes()[16:24])
        console = [line for line in log.splitlines() if "CONSOLE" in line]
        return Shot(seconds, w, h, console)

    def measure(self, page: Path, width: int) -> dict[str, Any]:
        """Boxes of every visible text of the charts, measured by the browser itself."""
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text())
        text = text.replace("</body>", _MEASURE + "</body>")
        # A frame is as wide as it is told, a window has a least width.
        frame = f'<iframe width="{width}" height="2000" srcdoc="{escape(text)}"></iframe>'
        copy = self.folder / "measured.html"
        copy.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body>{frame}')
        _, log, _ = self._run(copy, f"--window-size={width + 100},2200", "--dump-dom")
        found = re.search(r"MEASURED(\{.*?\})END", log, re.DOTALL)
        assert found is not None, log[-2000:]
        measured: dict[str, Any] = json.loads(found.group(1))
        return measured


def program() -> str | None:
    """The browser on the path, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)
