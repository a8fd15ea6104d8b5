"""What a verbose fit tells at its beginning, and how its length is estimated."""

import sys
from typing import Any

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.start import Start
from deepcluster_sk.base.summary import data_words
from deepcluster_sk.counting.bounds import is_given
from deepcluster_sk.data.batches import n_batches
from deepcluster_sk.runtime.display import display_on
from deepcluster_sk.runtime.progress import Progress

#: How long a second look takes, as a multiple of the first one, and a step of joint
#: training, with the updates between, as a multiple of one of pretraining: on digits
#: and clothes, and on CIFAR-10. With the other methods a step takes 1.0 to 1.4. These
#: are guesses until the stage itself is measured.
DRAWINGS, PHOTOGRAPHS = (0.15, 2.0), (0.6, 2.5)


def progress_of(verbose: int) -> Progress:
    """Begin the progress of a fit, shown on standard error where it is verbose."""
    return Progress(display_on(sys.stderr) if verbose else None)


def tell_task(clusterer: Any, context: FitContext) -> None:
    """Tell once what is to be clustered, into what and where."""
    data = data_words(context.n_samples, context.given, context.layout.shape)
    into = "clusters to be counted"
    if is_given(clusterer.n_clusters):
        into = (
            "1 cluster" if context.n_clusters == 1 else f"{context.n_clusters} clusters"
        )
    context.progress.say(f"{data}; {into}")
    precision = str(context.precision).removeprefix("torch.")
    context.progress.say(
        f"on {context.device}, in {precision}, in batches of {context.batch_size}"
    )


def tell_plan(clusterer: Any, context: FitContext, start: Start) -> None:
    """Tell what the samples were taken for, and what is still to come."""
    if not is_given(clusterer.n_clusters):
        context.progress.say(f"clusters counted: {context.n_clusters}")
    if start.image_kind is not None:
        context.progress.say(
            f"taken for {start.image_kind}s; contrast normalisation: {start.contrast}"
        )
    second_look, joint_step = PHOTOGRAPHS if start.are_photographs else DRAWINGS
    progress = context.progress
    progress.expect("pretraining")
    if start.graph is not None and clusterer._looks_again(context.layout, start):
        progress.expect("second look", like="start", times=second_look)
    epochs = clusterer._joint_epochs(context, start)
    n_steps = epochs * n_batches(context.n_samples, context.batch_size)
    progress.expect("training", n_steps, like="pretraining", times=joint_step)
