"""The terms the networks are trained on, each a pure function of tensors."""
