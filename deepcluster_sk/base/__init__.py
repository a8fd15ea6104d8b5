"""What every clusterer is: its fit, its parameters, its predictions."""
