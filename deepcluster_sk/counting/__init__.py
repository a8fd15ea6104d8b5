"""How many clusters a data set has, by the borders in its graph of neighbours."""
