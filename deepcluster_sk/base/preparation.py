"""What a fit checks and settles before any work is done."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.known import known_labels
from deepcluster_sk.base.net_params import NetParamsMixin
from deepcluster_sk.base.record import open_record
from deepcluster_sk.base.resolution import ResolutionMixin
from deepcluster_sk.base.start import Start, check_init
from deepcluster_sk.counting.bounds import NClusters, bounds_of, is_given
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.data.resizing import shrunk, small_shape
from deepcluster_sk.data.validation import InputMixin
from deepcluster_sk.runtime.device import keeps_data, resolve_device, resolve_precision
from deepcluster_sk.runtime.seeding import drawn_seed
from deepcluster_sk.runtime.warning import warn
from deepcluster_sk.training.callbacks import check_callbacks
from deepcluster_sk.training.net import ClusteringNet
from deepcluster_sk.training.strategy import Strategy


class PreparationMixin(NetParamsMixin, ResolutionMixin, InputMixin):
    """From parameters and ``X`` to the context of a fit, or to an error."""

    n_clusters: NClusters
    precision: str
    device: Any
    callbacks: Any
    random_state: Any

    def _scaler(self, rows: NDArray[Any], layout: RowLayout) -> PixelScaler:
        """Scaling of the input."""
        return PixelScaler.standardize(rows, layout)

    def _build_net(self, context: FitContext, start: Start) -> ClusteringNet:
        """Build the net that is trained."""
        raise NotImplementedError

    def _prepare(self, X: ArrayLike, y: Any = None) -> FitContext:
        """Check everything, and settle what does not depend on the samples' content.

        `y` are the clusters of samples whose cluster is known, and -1.
        """
        self._check_parts()
        # Large numbers overflow where they are looked at, and are refused then.
        with np.errstate(over="ignore", invalid="ignore"):
            rows, given = self._first_rows(X)
            # To be counted later: the fewest, by which all else can be checked.
            n_clusters, _ = bounds_of(self.n_clusters, len(rows))
            self._contrasts(given)
            check_random_state(self.random_state)
            small = small_shape(given.shape, self._most_pixels())
            rows, layout = shrunk(rows, given, small)
            reader = self._reader(rows, layout)
        known = None if y is None else known_labels(y, len(rows), self.n_clusters)
        self._augmentation(layout)  # refuses what it does not know
        context = self._context(rows, reader, given, n_clusters, known, known=known)
        start = Start("none", self._known_kind(layout))
        self._strategy(layout, start)  # refuses what the method does not know
        latent_dim = self._latent_dim(context, start)
        fixed = n_clusters if is_given(self.n_clusters) else None
        check_init(self.init, len(rows), fixed, latent_dim)
        # Built and let go: whatever its settings make fail fails now.
        self._build_net(context, start)
        return context

    def _check_parts(self) -> None:
        """Check what parameters hold, as far as it takes no data."""
        for value in self.get_params(deep=False).values():
            if isinstance(value, Strategy):
                value.check()
        check_callbacks(self.callbacks)
        self._check_net_params(torch.optim.Adam)
        resolve_device(self.device)

    def _context(
        self,
        rows: NDArray[Any],
        reader: SampleReader,
        given: RowLayout,
        n_clusters: int,
        task: Any,
        **more: Any,
    ) -> FitContext:
        """Put together what every stage reads; `task` is as :func:`open_record` has it.

        `more` are fields of the context.
        """
        device = resolve_device(self.device)
        precision = resolve_precision(self.precision, device)
        keep = keeps_data(device, rows.nbytes) and not self._loads_apart
        seed = drawn_seed(check_random_state(self.random_state))
        record = open_record(self, rows, reader, seed, device, precision, task)
        return FitContext(
            dataset=RowDataset(rows, device if keep else None),
            reader=reader,
            given=given,
            n_clusters=n_clusters,
            batch_size=self._batch_size(len(rows)),
            device=device,
            precision=precision,
            seed=record.begin(seed),
            record=record,
            **more,
        )

    def _reader(self, rows: NDArray[Any], layout: RowLayout) -> SampleReader:
        scaler = self._scaler(rows, layout)
        if scaler.is_constant:
            warn(
                "X is constant: all samples are equal, so all fall into one cluster.",
                ConvergenceWarning,
            )
        return SampleReader(layout, scaler)
