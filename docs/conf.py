"""Sphinx settings. Build with ``sphinx-build -W docs docs/_build/html``."""

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.util.docutils import SphinxDirective
from sphinx_gallery.sorting import ExplicitOrder

# The benchmarks are not part of the package.
sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.charts import draw_all
from benchmarks.pages import page

# Before the examples import torch: they are small, and timed on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

project = "deepcluster_sk"
author = "deepcluster_sk developers"
copyright = "2026, deepcluster_sk developers"
release = installed_version("deepcluster-sk")
version = ".".join(release.split(".")[:2])

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "myst_parser",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx-mathjax-offline",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "sg_execution_times.rst"]

autosummary_generate = True
# A link that leads nowhere is an error.
nitpicky = True
# numpydoc's parameter lists already tell the types.
autodoc_typehints = "none"
numpydoc_show_class_members = False

# Neither a build nor a reader needs a network: MathJax is copied from a package, and
# links to other projects go by lists of the names that our pages use, in the first of
# Sphinx's inventory formats, which is plain text.
intersphinx_mapping = {
    name: (address, f"inventories/{name}.inv")
    for name, address in {
        "joblib": "https://joblib.readthedocs.io/en/stable/",
        "scipy": "https://docs.scipy.org/doc/scipy/",
        "sklearn": "https://scikit-learn.org/stable/",
        "skorch": "https://skorch.readthedocs.io/en/stable/",
        "torch": "https://docs.pytorch.org/docs/stable/",
    }.items()
}

EXAMPLES = (
    *("digits", "folder", "photographs", "embeddings", "how_many", "graph_alone"),
    "compare",
    *("did_training_help", "correct", "new_images", "outliers", "save_and_load"),
    *("seeds", "choose_without_labels", "grid_search", "assignments", "pipeline"),
)
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    # In the order in which questions come.
    "within_subsection_order": ExplicitOrder(
        [
            *(f"plot_{name}.py" for name in EXAMPLES),
            "search_on_a_cluster.py",
        ]
    ),
    # A broken example is an error, not a red thumbnail.
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    # One after the other they take minutes.
    "parallel": 2,
    "show_memory": False,
    # Narrow pages have no room for them.
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "deepcluster_sk"
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    # Pages of wide tables have their contents on top.
    "secondary_sidebar_items": {
        "**": ["page-toc"],
        **{page: [] for page in ("index", "benchmarks", "speed", "choosing")},
    },
}
# Pages that have no neighbours in their section.
html_sidebars = {"index": [], "quickstart": []}
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]


class Benchmark(SphinxDirective):
    """Show results as they are measured now: figures typed by hand would go stale."""

    required_arguments = 1

    def run(self):
        return self.parse_text_to_nodes(page(self.arguments[0]))


def draw_charts(app):
    draw_all(Path(app.srcdir, "generated"))


def setup(app):
    app.connect("builder-inited", draw_charts)
    app.add_directive("benchmark", Benchmark)
    return {"parallel_read_safe": True}
