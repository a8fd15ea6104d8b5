"""Labels of samples by the labels of nodes of a graph that are near to them."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.graph.features import moved
from deepcluster_sk.graph.neighbors import Features, view_neighbors
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.networks.inference import CHUNK_ROWS, collect
from deepcluster_sk.runtime.modes import computing


@dataclass(frozen=True)
class VoteSettings:
    """How samples that are no nodes take the label of nodes near to them."""

    n_views: int = 4
    """Views of the nodes that are looked at, themselves the first of them: time. Not
    tuned."""
    n_votes: int = 10
    """Nodes that vote, at most; no more than a node is linked to in a cluster of equal
    size. Of MNIST (30,000) other images have .979, where nodes have .983."""


VOTES = VoteSettings()


def most_frequent(labels: NDArray[np.int64]) -> Labels:
    """Most frequent label in every row; of several, that which comes first.

    Voters are given nearest first.
    """
    votes = np.zeros((len(labels), labels.max() + 1))
    rows = np.arange(len(labels))
    for place, column in enumerate(labels.T):
        # The nearer a voter, the more: all that together is less than a vote.
        votes[rows, column] += 1 + 0.5 ** (place + 1)
    return votes.argmax(1)


@dataclass(frozen=True)
class NodeVoters:
    """Nodes of a graph whose labels decide what samples beside them are.

    A sample that is one of the nodes has its label; any other takes the label that most
    of the nodes nearest to it have. It depends on the sample alone: neither on what it
    comes with, nor, for the nodes, on the device.

    Attributes
    ----------
    features : callable
        What distances are taken in, ``(n, *sample_shape)`` to ``(n, d)``.
    views : sequence of Tensor of shape (n_nodes, d)
        The nodes themselves, and augmented views of them.
    labels : ndarray of shape (n_nodes,), int64
    n_votes : int
    known : dict
        Labels of the nodes, by their fingerprints.
    """

    features: Features
    views: Sequence[torch.Tensor]
    labels: Labels
    n_votes: int
    known: dict[bytes, int]

    @classmethod
    def of(
        cls,
        features: Features,
        views: Sequence[torch.Tensor],
        labels: Labels,
        n_votes: int,
        nodes: RowDataset,
        reader: SampleReader,
    ) -> "NodeVoters":
        """Let nodes vote; copies of one sample agree on the label that most have.

        Parameters
        ----------
        features : callable
        views : sequence of Tensor of shape (n_nodes, d)
        labels : ndarray of shape (n_nodes,), int64
        n_votes : int
        nodes : RowDataset
        reader : SampleReader

        Returns
        -------
        NodeVoters
            On the CPU.
        """
        copies: dict[bytes, list[int]] = defaultdict(list)
        # Read where the views are: Apple's devices scale in single precision.
        keys = _by_row(nodes, reader, views[0].device)
        for key, label in zip(keys, labels.tolist(), strict=True):
            copies[key].append(label)
        known = {key: _majority(found) for key, found in copies.items()}
        agreed = np.array([known[key] for key in keys])
        return cls(features, views, agreed, n_votes, known).to(torch.device("cpu"))

    def only(self, clusters: NDArray[np.int64]) -> "NodeVoters":
        """Let the nodes of some clusters alone vote, numbered 0, 1 … in their order."""
        votes = np.isin(self.labels, clusters)
        new = {cluster: number for number, cluster in enumerate(clusters.tolist())}
        return replace(
            self,
            views=tuple(view[torch.from_numpy(votes)] for view in self.views),
            labels=np.searchsorted(clusters, self.labels[votes]),
            n_votes=min(self.n_votes, int(votes.sum())),
            known={key: new[k] for key, k in self.known.items() if k in new},
        )

    def to(self, device: torch.device) -> "NodeVoters":
        """Return the same nodes on another device."""
        views = tuple(view.to(device) for view in self.views)
        return replace(self, features=moved(self.features, device), views=views)

    def label(self, x: torch.Tensor) -> torch.Tensor:
        """Label of each sample ``(n, *sample_shape)``, read on the voters' device.

        Returns
        -------
        Tensor of shape (n,), int64
            On the CPU.

        Raises
        ------
        ValueError
            If a sample is too far away to be compared with the nodes.
        """
        known = [self.known.get(key, -1) for key in fingerprints(x)]
        found = np.array(known, np.int64)
        if (found < 0).any():
            found = np.where(found < 0, self._voted(x), found)
        return torch.from_numpy(found)

    def label_all(
        self, dataset: RowDataset, reader: SampleReader, device: torch.device
    ) -> Labels:
        """Label of every row of a data set, ``(n,)``; computed on the device."""
        with computing(device):
            return collect(self.to(device).label, dataset, reader, device).numpy()

    def _voted(self, x: torch.Tensor) -> Labels:
        queries = self.features(x)
        if not queries.square().sum(1).isfinite().all():
            raise ValueError(
                "The samples are too far from those fitted on to be compared with them."
            )
        nearest = view_neighbors(queries, self.views, self.n_votes).indices
        return most_frequent(self.labels[nearest.cpu().numpy()])


def fingerprints(x: torch.Tensor) -> list[bytes]:
    """Hash of each sample ``(n, *sample_shape)``: the same for the same numbers."""
    rows = x.cpu().flatten(1).contiguous().numpy()
    return [hashlib.blake2b(row, digest_size=16).digest() for row in rows]


def _by_row(
    dataset: RowDataset, reader: SampleReader, device: torch.device
) -> list[bytes]:
    """Fingerprint of every row of a data set, in their order."""
    found = []
    for start in range(0, len(dataset), CHUNK_ROWS):
        rows = dataset.slice(start, min(start + CHUNK_ROWS, len(dataset)))
        found += fingerprints(reader.read(rows, device))
    return found


def _majority(labels: list[int]) -> int:
    """Most frequent of labels; of several, the lowest."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))
