"""The clusterers that every test of the common contract runs over."""

from deepcluster_sk import (
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    VariationalClusterer,
)

#: A sibling joins the checks and the contract by standing here.
CLUSTERERS = [
    DeepTripletClusterer,
    DECClusterer,
    DepictClusterer,
    VariationalClusterer,
]
