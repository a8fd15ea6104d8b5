"""A browser without a window, in which a page is looked at by a script of ours."""

import html
import json
import re
import shutil
import subprocess

import pytest

_NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *("chrome", "msedge", "microsoft-edge"),
)
#: Reports what the script returned, or why it could not.
_HARNESS = """
<script>
// Without a window no frame is ever due.
window.requestAnimationFrame = (paint) => setTimeout(paint, 16);
addEventListener("load", () => setTimeout(async () => {
  const found = document.createElement("pre");
  found.id = "found";
  try { found.textContent = JSON.stringify(await (async () => { %s })()); }
  catch (error) { found.textContent = JSON.stringify({ error: String(error) }); }
  document.body.append(found);
}, 100));
</script></body>
"""


def browser():
    """Path of a browser; skips where there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is installed ({', '.join(_NAMES)})")
    return found


def look(page, script, tmp_path):
    """Open a page, run a script in it, and return what the script returns.

    Fails where the page writes anything to the console, as it does of every error.
    """
    copy = tmp_path / "looked-at.html"
    text = page.read_text("utf-8")
    assert text.count("</body>") == 1
    copy.write_text(text.replace("</body>", _HARNESS % script), "utf-8")
    done = subprocess.run(
        [
            browser(),
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--virtual-time-budget=5000", "--enable-logging=stderr"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1280,900"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", copy.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not said, said
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    result = json.loads(html.unescape(found))
    assert not (isinstance(result, dict) and "error" in result), result
    return result
