"""The graph by itself as a clusterer: a partition, and nodes that vote."""
