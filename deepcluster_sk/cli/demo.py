"""``deepcluster demo``: handwritten digits, and what other methods make of them."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepcluster_sk.cli.arguments import Commands, fit_arguments, path
from deepcluster_sk.cli.fitting import check_device, end_if_interrupted, make_clusterer
from deepcluster_sk.cli.output import check_output
from deepcluster_sk.cli.results import SHEET, draw_clusters
from deepcluster_sk.runtime.files import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def add_parser(commands: Commands) -> None:
    """Add this command to the program's."""
    parser = commands.add_parser(
        "demo",
        parents=[fit_arguments()],
        help="cluster scikit-learn's handwritten digits and compare with k-means",
        description="Cluster the 1,797 handwritten digits that come with "
        "scikit-learn, and compare with k-means and with t-SNE followed by k-means.",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=path,
        default=Path("deepcluster-demo"),
        metavar="DIR",
        help="where to write the picture (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    picture = arguments.out / SHEET
    # The picture of an earlier demonstration may go, anything else may not.
    check_output(picture, force=True, make_folder=True)
    check_device(arguments.device, quiet=arguments.quiet)

    import torch
    from sklearn.cluster import KMeans
    from sklearn.datasets import load_digits
    from sklearn.manifold import TSNE

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

    def tsne_then_kmeans() -> Any:
        return kmeans.fit_predict(TSNE(random_state=seed).fit_transform(digits.data))

    # On images this small, more threads only wait for one another: on a busy machine
    # they make training several times slower.
    torch.set_num_threads(1)
    _print_scores("k-means", lambda: kmeans.fit_predict(digits.data), truth)
    _print_scores("t-SNE, then k-means", tsne_then_kmeans, truth)
    model = make_clusterer(10, arguments)
    _print_scores("DeepTripletClusterer", lambda: model.fit(images).labels_, truth)
    print(
        "\nACC: share of images in the cluster matched with their digit. NMI, ARI: "
        "agreement\nwith the digits. 1 is perfect for each."
    )
    try:
        drawn = draw_clusters(images, model.labels_, model.confidence(images))
    except ImportError as error:
        print(f"No picture is drawn. {error}", file=sys.stderr)
    else:
        picture.parent.mkdir(parents=True, exist_ok=True)
        write_whole(picture, drawn, replace=True)
        print(f"Picture of the clusters: {picture}")
    end_if_interrupted(model)


def _print_scores(
    name: str, cluster: Callable[[], Any], truth: "NDArray[np.int64]"
) -> None:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    from deepcluster_sk import clustering_accuracy_score

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
