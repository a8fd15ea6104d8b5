import ast
import inspect
import itertools
import re
from dataclasses import FrozenInstanceError, astuple, fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcluster_sk import graph
from deepcluster_sk.graph.agglomeration import AgglomerationSettings
from deepcluster_sk.graph.consensus import ConsensusSettings
from deepcluster_sk.graph.graph import CutSettings
from deepcluster_sk.graph.merge_split import MergeSplitSettings
from deepcluster_sk.graph.neighbors import ComponentSettings
from deepcluster_sk.graph.outliers import OutlierSettings
from deepcluster_sk.graph.patches import PatchSettings
from deepcluster_sk.graph.propagation import PropagationSettings
from deepcluster_sk.graph.refinement import RefinementSettings
from deepcluster_sk.graph.score import ScoreSettings
from deepcluster_sk.graph.settings import (
    CONTEST,
    FULL,
    LARGE,
    GraphSettings,
    settings_for,
)
from deepcluster_sk.graph.start import StartSettings
from deepcluster_sk.graph.support import SupportSettings
from deepcluster_sk.graph.voting import VoteSettings


@given(st.integers(8, 20_000), st.integers(2, 100))
def test_there_are_nodes_and_eigenvectors_enough(n_nodes, n_clusters):
    n_clusters = min(n_clusters, n_nodes)
    settings = settings_for(n_nodes)
    counts = settings.neighbor_counts(n_nodes, n_clusters)
    widths = settings.widths(n_nodes, n_clusters)
    for values in (counts, widths):
        assert values == sorted(set(values))
        assert 1 <= values[0] <= values[-1] <= n_nodes - 1
    assert counts[-1] <= max(5, n_nodes / n_clusters / 12)


@pytest.mark.parametrize(
    ("settings", "size", "counts"),
    [
        (FULL, 42, [5]),
        (FULL, 72, [6]),
        (FULL, 150, [10, 12]),
        (LARGE, 1_200, [10, 15]),
        (CONTEST, 42, [5]),
        (CONTEST, 150, [10]),
    ],
)
def test_small_clusters_get_few_links(settings, size, counts):
    assert settings.neighbor_counts(20 * size, 20) == counts


@pytest.mark.parametrize("n_nodes", [2, 3, 5, 6])
def test_few_nodes_have_all_others_for_neighbors(n_nodes):
    for settings in (FULL, replace(FULL, most_linked=None)):
        assert settings.most_neighbors(n_nodes, 1) == min(
            n_nodes - 1, 5 if settings is FULL else n_nodes
        )


def test_the_fewer_nodes_the_harder_the_settings():
    few, many = astuple(settings_for(5_000)), astuple(settings_for(12_000))
    assert few[0] > many[0]
    assert few[1:] == many[1:]


def test_as_many_links_as_asked_for_where_nothing_limits_them():
    settings = replace(FULL, n_neighbors=(30, 500), most_linked=None)
    assert settings.neighbor_counts(100, 20) == [30, 99]


ALL = [
    GraphSettings,
    AgglomerationSettings,
    ComponentSettings,
    ConsensusSettings,
    CutSettings,
    MergeSplitSettings,
    OutlierSettings,
    PatchSettings,
    PropagationSettings,
    RefinementSettings,
    ScoreSettings,
    StartSettings,
    SupportSettings,
    VoteSettings,
]


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_setting_says_what_it_does_and_none_can_be_changed(cls):
    [definition] = ast.parse(inspect.getsource(cls)).body
    told = {
        before.target.id
        for before, after in itertools.pairwise(definition.body)
        if isinstance(before, ast.AnnAssign)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }
    assert told == {field.name for field in fields(cls)}
    settings = FULL if cls is GraphSettings else cls()
    with pytest.raises(FrozenInstanceError):
        setattr(settings, fields(cls)[0].name, 0)


def test_no_settings_are_left_out():
    found = {
        name
        for path in Path(graph.__file__).parent.glob("*.py")
        for name in re.findall(r"^class (\w+Settings)\b", path.read_text(), re.M)
    }
    assert found == {cls.__name__ for cls in ALL}
