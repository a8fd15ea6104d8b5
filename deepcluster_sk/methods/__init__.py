"""The methods, a folder each, to be read beside its paper."""
