"""The model that commands fit, and the picture of its clusters."""

import argparse
import importlib.util
import io
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NO_MATPLOTLIB = (
    'No picture is drawn without matplotlib: pip install "deepcluster-sk[plot]"'
)
#: Pictures of each cluster that are drawn.
_N_IMAGES = 15


def check_device(device: str) -> None:
    """Refuse a device that this machine lacks, before anything is read.

    Raises
    ------
    ValueError
    """
    from deepcluster_sk.runtime.device import resolve_device

    resolve_device(device)


def make_clusterer(n_clusters: int, arguments: argparse.Namespace) -> Any:
    """Make the clusterer that the arguments describe."""
    from deepcluster_sk import DeepTripletClusterer

    progress = not arguments.quiet and sys.stderr.isatty()
    return DeepTripletClusterer(
        n_clusters,
        max_pixels=None,  # they have the size that was asked for
        device=arguments.device,
        random_state=arguments.seed,
        verbose=int(progress),
    )


def end_if_interrupted(model: Any) -> None:
    """End a command whose fit was cut short, once all it had to say is written.

    Raises
    ------
    KeyboardInterrupt
        As Ctrl-C would have at once, had there been nothing to write.
    """
    if model.interrupted_ is not None:
        print(
            f"Ctrl-C ended {model.interrupted_}: what is written is what training had "
            "come to.",
            file=sys.stderr,
        )
        raise KeyboardInterrupt


def draw_clusters(
    images: "NDArray[Any]", labels: "NDArray[Any]", probabilities: "NDArray[Any]"
) -> bytes | None:
    """Draw the surest pictures of each cluster, as a PNG file.

    Returns
    -------
    png : bytes or None
        None without matplotlib, which is said on standard error.
    """
    if importlib.util.find_spec("matplotlib") is None:
        print(_NO_MATPLOTLIB, file=sys.stderr)
        return None
    import matplotlib as mpl

    if "matplotlib.pyplot" not in sys.modules:
        mpl.use("Agg")  # no window is opened, and there may be no screen
    from matplotlib import pyplot as plt

    from deepcluster_sk import __version__
    from deepcluster_sk.data.pictures import MADE_HERE
    from deepcluster_sk.plotting import ClustersDisplay

    figure: Any = ClustersDisplay.from_predictions(
        images, labels, probabilities=probabilities, n_images=_N_IMAGES
    ).figure_
    file = io.BytesIO()
    figure.savefig(
        file,
        format="png",
        dpi=150,
        bbox_inches="tight",
        # By which it is not taken for one of the pictures the next time.
        metadata={"Software": f"{MADE_HERE} {__version__}"},
    )
    plt.close(figure)
    return file.getvalue()
