"""Deep embedded clustering, arXiv:1511.06335."""
