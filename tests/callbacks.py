"""skorch callbacks that several tests look through."""

from skorch.callbacks import Callback


class Rates(Callback):
    """Write down the learning rate of every step."""

    def __init__(self):
        self.seen = []

    def on_batch_begin(self, net, **kwargs):
        self.seen.append(net.optimizer_.param_groups[0]["lr"])
