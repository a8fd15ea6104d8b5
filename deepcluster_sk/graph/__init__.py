"""Neighbour graphs of a data set, and their partition into clusters."""
