"""Inter-class separation, arXiv:1901.06474."""
