"""Pretrained networks that users have: pictures in, vectors out."""
