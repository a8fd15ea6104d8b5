"""Saved models and checkpoints: numbers and JSON, checked, nothing that runs."""
