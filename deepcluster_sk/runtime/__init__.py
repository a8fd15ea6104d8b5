"""The machine underneath: device, precision, seeds, caches, memory."""
