"""Variational clustering, arXiv:2005.04613."""
