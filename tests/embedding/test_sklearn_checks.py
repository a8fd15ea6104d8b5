"""Every check of scikit-learn on the embedder, with nothing skipped."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from deepcluster_sk import ImageEmbedder
from tests.base.test_sklearn_checks import OWN_CHECKS, passes
from tests.embedding.networks import squares

pytestmark = pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature")


class Squares:
    """The function, shown alike in every process: names of tests hold it."""

    def __call__(self, x):
        return squares(x)

    def __repr__(self):
        return "Squares()"


@parametrize_with_checks(
    [ImageEmbedder(Squares()), ImageEmbedder(Squares(), batch_size=3)]
)
def test_common_checks(estimator, check):
    passes(estimator, check)


@pytest.mark.parametrize("check", OWN_CHECKS)
def test_checks_scikit_learn_keeps_for_its_own(check):
    getattr(estimator_checks, check)("ImageEmbedder", ImageEmbedder(squares))
