"""Arrays in: layouts, scaling, sizes and batches."""
