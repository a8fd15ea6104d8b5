"""The skorch net: one training loop for every phase of every method."""

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from skorch.utils import to_tensor

from deepcluster_sk.data.batches import (
    BalancedBatches,
    BatchDataset,
    RowDataset,
    SampleReader,
    n_batches,
)
from deepcluster_sk.networks.clustering import Embedding
from deepcluster_sk.networks.inference import autocast, embed
from deepcluster_sk.runtime.interrupts import Interrupts
from deepcluster_sk.runtime.progress import Progress
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.training.callbacks import CosineDecay, KeepBest, ProgressBar
from deepcluster_sk.training.good_epochs import Diverged, GoodEpochs, is_sound
from deepcluster_sk.training.objectives import Objective
from deepcluster_sk.training.parts import free_memory, more_parts, parts_of
from deepcluster_sk.training.protocols import PhaseRecord

#: Callbacks that every net carries. skorch's own print a table and wait for the device
#: at every batch.
DEFAULT_CALLBACKS: dict[str, type[Callback]] = {
    "epoch_timer": EpochTimer,
    "lr_decay": CosineDecay,
    "keep_best": KeepBest,
    "progress_bar": ProgressBar,
}


def callback_names(callbacks: Any) -> set[str]:
    """Names that ``callbacks__<name>`` may have, given a user's own callbacks.

    Those without a name go by their class, as skorch has it.
    """
    names = set(DEFAULT_CALLBACKS)
    for given in callbacks or ():
        if isinstance(given, tuple):
            names.add(given[0])
        else:
            kind = given if isinstance(given, type) else type(given)
            names.add(kind.__name__)
    return names


class StopPhase(Exception):
    """To be raised by a callback that wants the running phase of training to end.

    The fit goes on with what the phase has learned so far.
    """


class ClusteringNet(NeuralNet):
    """skorch net that trains a clustering module through one or more phases.

    A phase is an :class:`~deepcluster_sk.training.objectives.Objective` for a number of
    epochs; it stands where skorch keeps its criterion. Batches are fetched whole by
    index, laid out and scaled on the device, and augmented there by the objective.

    Parameters
    ----------
    module : type
        With ``embed`` besides ``forward``.
    reader : SampleReader
        Layout and scaling of raw rows.
    precision : torch.dtype
        ``torch.bfloat16`` trains under autocast.
    **kwargs
        As :class:`skorch.NeuralNet` takes them.
    """

    #: Sums of the named terms over the batches of the running epoch, on the device.
    _epoch_sums: dict[str, Any]
    #: Parts that a batch is trained in, for want of memory.
    n_parts_ = 1
    #: Losses of the running epoch so far, and the first of them.
    _n_losses: int
    _first_loss: Any = None

    def __init__(
        self,
        module: Any,
        *,
        reader: SampleReader,
        precision: torch.dtype = torch.float32,
        criterion: Any = Objective,
        **kwargs: Any,
    ) -> None:
        self.reader = reader
        self.precision = precision
        # All data are for training: there are no labels to validate by.
        kwargs = {"train_split": None, **kwargs}
        super().__init__(module, criterion=criterion, **kwargs)

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [(name, kind()) for name, kind in DEFAULT_CALLBACKS.items()]

    @property
    def torch_device(self) -> torch.device:
        """Device the module is on."""
        return torch.device(self.device)

    def initialize_module(self, *args: Any, **kwargs: Any) -> Any:
        """Build the module, its convolutions laid out for batches in channels last."""
        super().initialize_module(*args, **kwargs)
        if torch.get_default_dtype() != torch.float32:
            # Batches are float32, whatever the default of the program is.
            self.module_.float()
        self.module_.to(memory_format=torch.channels_last)
        return self

    def run_phase(
        self,
        objective: Objective,
        dataset: RowDataset,
        epochs: int,
        streams: Streams,
        interrupts: Interrupts | None = None,
        record: PhaseRecord | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Train on one objective, and leave the net whole.

        Parameters
        ----------
        objective : Objective
        dataset : RowDataset
        epochs : int
            At most; the objective or a callback may end the phase earlier.
        streams : Streams
            Of the running stage; the order of batches comes from them.
        interrupts : Interrupts, default=None
            Of the fit.
        record : PhaseRecord, default=None
            Keeps the state after every epoch, and may know that of an earlier fit.
        progress : Progress, default=None
            Of the fit.

        Raises
        ------
        KeyboardInterrupt
            If the fit was interrupted, once the phase has been brought to its end.
        ValueError
            If training diverged before it learned anything.
        """
        self.phase_epochs_ = epochs
        self.phase_steps_ = epochs * n_batches(len(dataset), self.batch_size)
        self.criterion_ = objective
        self.phase_dataset_ = dataset
        self.streams_, self.record_ = streams, record
        self.interrupts_ = interrupts or Interrupts()
        self.progress_ = progress or Progress()
        self.initialize_optimizer()
        for group in self.optimizer_.param_groups:
            # Schedulers that go on from epochs of an earlier phase ask for it.
            group.setdefault("initial_lr", group["lr"])
        objective.begin(self, dataset)
        self.n_whole_ = len(self.history)
        self.good_epochs_ = GoodEpochs()
        self.good_epochs_.keep(self)
        interrupted = False
        try:
            self.notify("on_train_begin", X=dataset, y=None)
            epochs -= self._resumed()
            self.progress_.steps(epochs * n_batches(len(dataset), self.batch_size))
            if not objective.finished:
                self.fit_loop(dataset, epochs=epochs)
        except StopPhase:
            del self.history[self.n_whole_ :]
        except Diverged as error:
            first_is_finite = bool(self._first_loss.isfinite())
            self.good_epochs_.restore(self, str(error), first_is_finite)
        except KeyboardInterrupt:
            if self.interrupts_.count != 1:
                raise
            del self.history[self.n_whole_ :]
            interrupted = True
        with suppress(StopPhase):
            self.notify("on_train_end", X=dataset, y=None)
        if not is_sound(self, dataset):
            trouble = f"the latent of X became no number by the end of {objective.name}"
            self.good_epochs_.restore(self, trouble, last_is_good=False)
        objective.end(self, dataset)
        # What the objective remembers of the data must not stay with the net, nor what
        # a pickle could bring to no other device.
        self.criterion_ = Objective()
        self._epoch_sums, self._first_loss = {}, None
        del self.phase_dataset_, self.streams_, self.record_
        del self.interrupts_, self.good_epochs_, self.progress_
        if interrupted:
            raise KeyboardInterrupt

    def _resumed(self) -> int:
        """Go on from the epoch that is on record; how many are over."""
        if self.record_ is None:
            return 0
        n_over = self.record_.resume(self, self.streams_)
        if n_over:
            self.n_whole_ = len(self.history)
            self.good_epochs_.keep(self)
        return n_over

    def finish(self) -> None:
        """End training: from now on the net is only read, from any thread."""
        self.module_.eval()
        # Nothing reads the optimiser's moments again; they are twice the weights.
        self.optimizer_.state.clear()

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Tell the callbacks; theirs is to stop the phase, a signal's to stop the fit.

        A callback stops a phase by raising :class:`StopPhase`, or as skorch's own do.
        """
        interrupts = getattr(self, "interrupts_", None)
        before = 0 if interrupts is None else interrupts.count
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt:
            if interrupts is None or interrupts.count > before:
                raise
            raise StopPhase from None
        if method_name != "on_epoch_end":
            return
        if self.record_ is not None:  # all callbacks have had their turn
            self.record_.epoch_ended(self, self.streams_)
        if self.criterion_.finished:
            raise StopPhase

    def on_epoch_end(
        self,
        net: Any,
        dataset_train: Any = None,
        dataset_valid: Any = None,
        **kwargs: Any,
    ) -> None:
        """Let the objective look at the whole data before the callbacks do."""
        super().on_epoch_end(net, dataset_train, dataset_valid, **kwargs)
        with self.interrupts_.raised():
            figures = self.criterion_.end_epoch(self, dataset_train)
        for name, value in figures.items():
            self.history.record(name, value)
        self.n_whole_ = len(self.history)
        self.good_epochs_.keep(self)

    def on_batch_end(
        self, net: Any, batch: Any = None, training: bool = False, **kwargs: Any
    ) -> None:
        """Let the objective count batches."""
        super().on_batch_end(net, batch, training, **kwargs)
        self.criterion_.end_batch(self, self.phase_dataset_)

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Batches fetched whole by index; ``iterator_train__*`` reach the loader."""
        if not training:
            return super().get_iterator(dataset, training=False)
        settings = self.get_params_for("iterator_train")
        batches = BalancedBatches(
            len(dataset), self.batch_size, self.streams_.order, dataset.home
        )
        return self.iterator_train(
            BatchDataset(dataset, self.criterion_.companions),
            **{"batch_size": None, "sampler": batches, **settings},
        )

    def infer(self, x: Any, **fit_params: Any) -> Any:
        """Training pass of a raw batch: the objective's inputs, and their outputs.

        Of raw rows outside of a phase, as ``forward`` hands them on, their embedding.
        """
        if not isinstance(x, Mapping):
            rows = to_tensor(x, "cpu").flatten(1)
            return tuple(self.module_.embed(self.reader.read(rows, self.torch_device)))
        device, objective = self.torch_device, self.criterion_
        samples = {name: self.reader.read(rows, device) for name, rows in x.items()}
        with torch.set_grad_enabled(objective.inputs_need_grad):
            inputs = objective.inputs(self.module_, **samples)
        with autocast(device, self.precision):
            return inputs, self.module_(**inputs)

    def get_loss(
        self, y_pred: Any, y_true: Any, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        """Weighted sum of the objective's terms; each is summed up for the history."""
        inputs, outputs = y_pred
        indices = y_true.to(self.torch_device, non_blocking=True)
        terms, loss = self.criterion_(inputs, outputs, indices)
        self._n_losses += 1
        if self._n_losses == 1:
            self._first_loss = loss.detach()
        for name, value in (*terms.items(), ("loss", loss)):
            # On the device: reading a value out would make it wait at every batch.
            self._epoch_sums[name] = self._epoch_sums.get(name, 0.0) + value.detach()
        return loss

    def run_single_epoch(
        self,
        iterator: Any,
        training: bool,
        prefix: str,
        step_fn: Any,
        **fit_params: Any,
    ) -> None:
        """One pass over the batches; means of the named terms go to the history."""
        if iterator is None:
            return
        self._epoch_sums = {}
        self._n_losses = 0
        self.history.record("phase", self.criterion_.name)
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = self._step_in_parts(batch, step_fn, **fit_params)
            self.notify("on_batch_end", batch=batch, training=training, **step)
            self.interrupts_.check()
        names = list(self._epoch_sums)
        means = torch.stack([self._epoch_sums[name] for name in names])
        means /= self._n_losses
        for name, value in zip(names, means.tolist(), strict=True):
            if not math.isfinite(value):
                raise Diverged(
                    f"the term {name!r} became {value} in epoch {len(self.history)} "
                    f"({self.criterion_.name})"
                )
            # skorch's callbacks know the loss as train_loss.
            self.history.record("train_loss" if name == "loss" else name, value)
        phase = [r for r in self.history if r["phase"] == self.criterion_.name]
        losses = [row["train_loss"] for row in phase]
        self.history.record("train_loss_best", losses[-1] == min(losses))

    def _step_in_parts(self, batch: Any, step_fn: Any, **fit_params: Any) -> Any:
        """Make a step, or one with each part of a batch where memory is too short."""
        while True:
            try:
                for part in parts_of(batch, self.n_parts_):
                    step = step_fn(part, **fit_params)
                return step
            except torch.cuda.OutOfMemoryError as error:
                self.n_parts_ = more_parts(batch, self.n_parts_, error)
            # Not above: the error holds on to all that the step had made.
            free_memory(self.torch_device)

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Refuse: an estimator trains its net, in phases."""
        raise NotImplementedError(
            "A ClusteringNet is trained in phases by the clusterer that made it: call "
            "fit of the clusterer. Its forward, predict, predict_proba, save_params "
            "and load_params work."
        )

    def partial_fit(
        self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any
    ) -> Any:
        """Refuse, as :meth:`fit` does."""
        return self.fit(X, y)

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Assign raw rows to the clusters, ``(n, n_clusters)``.

        Parameters
        ----------
        X : array of shape (n, n_features)
            Rows in the layout, and of the size, that the network was trained on.
        """
        _, log_assignment = self.forward(X)
        return log_assignment.exp().cpu().numpy()

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Most probable cluster of raw rows, ``(n,)``."""
        return self.predict_proba(X).argmax(axis=1)

    def embed(self, dataset: RowDataset) -> Embedding:
        """Latent vectors and assignments of a whole data set, on the device.

        Computed in the precision of training.
        """
        return embed(
            self.module_, dataset, self.reader, self.torch_device, self.precision
        )
