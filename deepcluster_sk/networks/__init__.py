"""Torch modules: autoencoders, the clustering layer, and what joins them."""
