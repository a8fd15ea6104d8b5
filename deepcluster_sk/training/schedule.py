"""How long to train: epochs from the number of images."""

from deepcluster_sk.data.batches import n_batches

#: Epochs at most, where nothing else is said: small sets have been seen enough then.
MOST_EPOCHS = 60


def epochs_for(
    n_samples: int, batch_size: int, steps: int, min_epochs: int, max_epochs: int
) -> int:
    """Epochs that make about `steps` optimiser steps, within bounds.

    Parameters
    ----------
    n_samples, batch_size, steps : int
    min_epochs, max_epochs : int
        Large data sets are seen at least, small ones at most, this often.
    """
    epochs = round(steps / n_batches(n_samples, batch_size))
    return max(min_epochs, min(max_epochs, epochs))
