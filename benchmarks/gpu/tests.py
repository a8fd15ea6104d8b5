"""The tests that need a GPU."""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from benchmarks.provenance import ROOT

#: Of the time that is left, what the tests may take.
SHARE = 0.4


def measure(bench):
    """Run what is marked ``gpu``; on a CPU, the same tests on small data."""
    if bench.device.type == "cuda":
        found = sorted((ROOT / "tests").rglob("test_*.py"))
        files = [f for f in found if "mark.gpu" in f.read_text(encoding="utf-8")]
        chosen = ["-m", "gpu"]
    else:
        files, chosen = (
            [ROOT / "tests" / "test_gpu.py"],
            ["-k", "waits and DEC and cpu"],
        )
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        # Warnings of other versions than the tests are written for are no errors.
        words = [
            "-q",
            "-W",
            "default",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
        ]
        subprocess.run(
            [sys.executable, "-m", "pytest", *words, *chosen, *map(str, files)],
            cwd=ROOT,
            timeout=SHARE * bench.left,
            check=False,
        )
        yield from outcomes(ET.parse(report))


def outcomes(report):
    """How many passed, and a row for each that did not."""
    cases = list(report.iter("testcase"))
    failed = {}
    for case in cases:
        for kind in ("failure", "error", "skipped"):
            found = case.find(kind)
            if found is not None:
                failed[case] = f"{kind}: {found.get('message', '')}"[:300]
    seconds = sum(float(case.get("time")) for case in cases)
    passed = len(cases) - len(failed)
    yield {"what": "passed", "value": passed, "unit": "tests", "seconds": seconds}
    for case, text in failed.items():
        name = f"{case.get('classname')}::{case.get('name')}"
        yield {"what": name, "note": " ".join(text.split())}
