"""Self-distillation on pairs of neighbours (TEMI), arXiv:2303.17896."""
