"""DEPICT, arXiv:1704.06327."""
