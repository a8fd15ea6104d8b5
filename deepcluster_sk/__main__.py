"""Command line: cluster a folder of pictures, or run the demonstration.

``python -m deepcluster_sk demo`` and ``python -m deepcluster_sk cluster FOLDER
--n-clusters K``; ``--help`` tells the rest.
"""

import argparse
import csv
import importlib.util
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from deepcluster_sk import DeepTripletClusterer
from deepcluster_sk.datasets import load_pictures
from deepcluster_sk.metrics import clustering_accuracy_score

_NO_MATPLOTLIB = (
    'No picture is drawn without matplotlib: pip install "deepcluster-sk[plot]"'
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments after the program's name; None reads those of the process.

    Returns
    -------
    status : int
        0 on success. What the caller got wrong ends in ``SystemExit`` with status 2
        and a message on standard error.
    """
    parser = _build_parser()
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except (ImportError, OSError, ValueError) as error:
        if arguments.debug:
            raise
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deepcluster_sk", description="Deep image clustering."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--seed", type=int, default=0, help="random seed (default: %(default)s)"
    )
    shared.add_argument(
        "--quiet", action="store_true", help="show no progress while training"
    )
    shared.add_argument(
        "--debug", action="store_true", help="show the whole traceback of an error"
    )

    demo = commands.add_parser(
        "demo",
        parents=[shared],
        help="cluster scikit-learn's handwritten digits and compare with k-means",
        description="Cluster the 1,797 handwritten digits that come with "
        "scikit-learn, and compare with k-means and with t-SNE followed by k-means.",
    )
    demo.add_argument(
        "--output",
        type=Path,
        default=Path("deepcluster-demo"),
        metavar="DIR",
        help="where to write the picture (default: %(default)s)",
    )
    demo.set_defaults(run=_demo)

    cluster = commands.add_parser(
        "cluster",
        parents=[shared],
        help="cluster a folder of pictures",
        description="Cluster the pictures in a folder and its subfolders. Writes a "
        "CSV table (path, cluster, probability) and, beside it, a PNG picture of "
        "the clusters.",
    )
    cluster.add_argument("folder", type=Path, metavar="FOLDER")
    cluster.add_argument(
        "--n-clusters", type=int, required=True, metavar="K", help="how many clusters"
    )
    cluster.add_argument(
        "--output",
        type=Path,
        default=Path("clusters.csv"),
        metavar="CSV",
        help="table to write (default: %(default)s)",
    )
    cluster.add_argument(
        "--size",
        type=int,
        default=32,
        metavar="PIXELS",
        help="side of the squares that pictures are cut and scaled to "
        "(default: %(default)s)",
    )
    cluster.set_defaults(run=_cluster)
    return parser


def _demo(arguments: argparse.Namespace) -> None:
    seed = arguments.seed
    digits = load_digits()
    images, truth = digits.images, digits.target
    print(
        f"Clustering {len(images):,} images of handwritten digits (8x8 pixels) into 10 "
        "clusters.\nThe true digits serve to score the result, never to find it.\n\n"
        f"{'method':<24}{'ACC':>7}{'NMI':>7}{'ARI':>7}{'time':>9}",
        flush=True,
    )
    kmeans = KMeans(10, n_init=10, random_state=seed)

    def tsne_then_kmeans() -> NDArray[Any]:
        embedded = TSNE(random_state=seed).fit_transform(digits.data)
        return np.asarray(kmeans.fit_predict(embedded))

    # On images this small, more threads only wait for one another: on a busy machine
    # they make training several times slower.
    torch.set_num_threads(1)
    _print_scores("k-means", lambda: kmeans.fit_predict(digits.data), truth)
    _print_scores("t-SNE, then k-means", tsne_then_kmeans, truth)
    model = _make_clusterer(10, arguments)
    _print_scores("DeepTripletClusterer", lambda: model.fit(images).labels_, truth)
    print(
        "\nACC: share of images in the cluster matched with their digit. NMI, ARI: "
        "agreement\nwith the digits. 1 is perfect for each."
    )
    _write_montage(arguments.output / "clusters.png", model, images)


def _print_scores(
    name: str, cluster: Callable[[], NDArray[Any]], truth: NDArray[Any]
) -> None:
    start = time.perf_counter()
    labels = cluster()
    seconds = time.perf_counter() - start
    scores = (
        score(truth, labels)
        for score in (
            clustering_accuracy_score,
            normalized_mutual_info_score,
            adjusted_rand_score,
        )
    )
    figures = "".join(f"{score:7.3f}" for score in scores)
    print(f"{name:<24}{figures}{seconds:7.1f} s", flush=True)


def _cluster(arguments: argparse.Namespace) -> None:
    if arguments.n_clusters < 2:
        raise ValueError(f"--n-clusters {arguments.n_clusters} must be at least 2.")
    # Found before hours of training, not after.
    if not arguments.output.parent.is_dir():
        raise NotADirectoryError(
            f"There is no folder {str(arguments.output.parent)!r} to write "
            f"{arguments.output.name!r} to."
        )
    images, paths, unreadable, _ = load_pictures(arguments.folder, size=arguments.size)
    for path, reason in unreadable:
        print(f"Left out, {reason}: {path}", file=sys.stderr)
    if len(images) < arguments.n_clusters:
        raise ValueError(
            f"{len(images)} pictures cannot make {arguments.n_clusters} clusters."
        )
    size = arguments.size
    print(
        f"Clustering {len(images):,} pictures ({size}x{size} pixels) into "
        f"{arguments.n_clusters} clusters.",
        flush=True,
    )
    model = _make_clusterer(arguments.n_clusters, arguments).fit(images)
    confidence = model.predict_proba(images).max(axis=1)
    with arguments.output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "cluster", "probability"])
        for path, label, share in zip(paths, model.labels_, confidence, strict=True):
            relative = path.relative_to(arguments.folder).as_posix()
            writer.writerow([relative, int(label), f"{share:.4f}"])
    print(f"Table of the clusters: {arguments.output}")
    _write_montage(arguments.output.with_suffix(".png"), model, images)


def _make_clusterer(n_clusters: int, arguments: argparse.Namespace) -> Any:
    progress = not arguments.quiet and sys.stderr.isatty()
    return DeepTripletClusterer(
        n_clusters,
        max_pixels=None,  # they have the size that was asked for
        random_state=arguments.seed,
        verbose=int(progress),
    )


def _write_montage(path: Path, model: Any, images: NDArray[Any]) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        print(_NO_MATPLOTLIB, file=sys.stderr)
        return
    from deepcluster_sk.plotting import plot_clusters

    path.parent.mkdir(parents=True, exist_ok=True)
    ax = plot_clusters(
        images, model.labels_, probabilities=model.predict_proba(images), n_images=15
    )
    ax.figure.savefig(  # type: ignore[union-attr]
        path, dpi=150, bbox_inches="tight"
    )
    print(f"Picture of the clusters: {path}")


if __name__ == "__main__":
    sys.exit(main())
