"""Code on the pages of the documentation runs, and their errors are the real ones."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from matplotlib import pyplot as plt
from PIL import Image
from sklearn.utils import Bunch

import deepcluster_sk
from deepcluster_sk import DeepTripletClusterer, Reconstruction
from tests.embedding.networks import save_script

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [DOCS / "quickstart.rst", DOCS / "index.rst", *sorted(DOCS.glob("guide/*.rst"))]
#: A block of code; a comment before it says why it cannot run here.
BLOCK = re.compile(
    r"(?P<skipped>\.\. not run:[^\n]*\n\s*\n)?"
    r"^(?P<indent> *)\.\. code-block:: python\n\n(?P<code>(?:(?P=indent)   .*\n|\n)+)",
    re.MULTILINE,
)

#: Messages in the list of troubles that other packages raise.
ELSEWHERE = {"inhomogeneous shape", "Input X contains NaN", "CUDA out of memory"}


def code_of(page):
    """Code of a page, block by block, as a reader would type it."""
    blocks = []
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if not found["skipped"]:
            margin = len(found["indent"]) + 3
            lines = found["code"].splitlines()
            blocks.append("\n".join(line[margin:] for line in lines))
    return blocks


CODE = {page.relative_to(DOCS).as_posix(): code_of(page) for page in PAGES}


@pytest.fixture
def small_world(tmp_path, monkeypatch):
    """Few digits, fits of a few epochs, and the files that pages speak of."""
    rng = np.random.default_rng(0)
    digits = sklearn.datasets.load_digits()
    few = Bunch(
        data=digits.data[:160], images=digits.images[:160], target=digits.target[:160]
    )
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: few)
    fit = DeepTripletClusterer._fit

    def quick(model, X, y=None):
        settings = {"pretraining": Reconstruction(1), "max_epochs": 4, "tol": 1.0}
        return fit(model.set_params(init="kmeans", **settings), X, y)

    monkeypatch.setattr(DeepTripletClusterer, "_fit", quick)
    for folder in ("pictures", "new"):
        path = tmp_path / "path/to" / folder
        path.mkdir(parents=True)
        for i, image in enumerate(few.images[:40]):
            Image.fromarray((image * 15).astype(np.uint8)).save(path / f"{i:02}.png")
    save_script(tmp_path / "network.pt")
    np.save(tmp_path / "embeddings.npy", rng.normal(size=(40, 6)))
    np.save(tmp_path / "images.npy", (few.images * 15).astype(np.uint8))
    monkeypatch.chdir(tmp_path)
    yield
    plt.close("all")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("page", [page for page, code in CODE.items() if code])
def test_code_on_a_page_runs(page, small_world):
    names = {}
    for block in CODE[page]:
        exec(block, names)


def test_pages_have_code():
    assert sum(map(len, CODE.values())) > 15


def test_errors_are_quoted_as_they_are_raised():
    failed, tried = doctest.testfile(
        str(DOCS / "guide/troubleshooting.rst"),
        module_relative=False,
        optionflags=doctest.ELLIPSIS,
    )
    assert tried
    assert not failed


def quoted():
    """Messages that the page on trouble is a list of, as their longest plain part."""
    text = (DOCS / "guide/troubleshooting.rst").read_text(encoding="utf-8")
    for message in re.findall(r"^``(.+)``$", text, re.MULTILINE):
        parts = re.split(r"…|\d+|'\w+'|\(|\)|[:,]", message)
        yield max((part.strip() for part in parts), key=len)


@pytest.mark.parametrize("message", list(quoted()))
def test_messages_in_the_list_of_troubles_exist(message):
    if message in ELSEWHERE:
        return
    package = Path(deepcluster_sk.__file__).parent
    # Messages are broken into lines: what is left of them is compared without breaks.
    source = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    joined = re.sub(r'"\s+f?"', "", source)
    assert message in joined
