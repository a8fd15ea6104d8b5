"""The clusterers that every test of the common contract runs over."""

from deepcluster_sk import (
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    TEMIClusterer,
    VariationalClusterer,
)

#: A sibling joins the checks and the contract by standing here.
CLUSTERERS = [
    DeepTripletClusterer,
    DECClusterer,
    DepictClusterer,
    TEMIClusterer,
    VariationalClusterer,
]
#: What the base does, these show: the one starts by a graph, the other by k-means.
SHOW_THE_BASE = {DeepTripletClusterer, DECClusterer}
#: What clusters vectors of somebody else's network trains in one phase, and has none of
#: its own to decode them.
OF_EMBEDDINGS = {TEMIClusterer}


def phases_of(cls):
    """Phases of training, in their order."""
    return ["cluster"] if cls in OF_EMBEDDINGS else ["pretrain", "cluster"]
