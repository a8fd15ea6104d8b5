"""skorch callbacks that several tests look through."""

from skorch.callbacks import Callback

from deepcluster_sk import StopPhase


class Rates(Callback):
    """Write down the learning rate of every step."""

    def __init__(self):
        self.seen = []

    def on_batch_begin(self, net, **kwargs):
        self.seen.append(net.optimizer_.param_groups[0]["lr"])


class Lengths(Callback):
    """Write down how many epochs each phase is to have, and end it after a few."""

    def __init__(self, epochs):
        self.epochs = epochs
        self.seen = []

    def on_train_begin(self, net, **kwargs):
        self.seen.append(net.phase_epochs_)
        self.left_ = self.epochs

    def on_epoch_begin(self, net, **kwargs):
        if not self.left_:
            raise StopPhase
        self.left_ -= 1
