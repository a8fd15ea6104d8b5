"""Every check of scikit-learn, with nothing skipped and nothing expected to fail."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from deepcluster_sk import DeepTripletClusterer, VariationalClusterer
from tests.clusterers import CLUSTERERS
from tests.made import pretraining

# Data of the checks are no clusters, and fits on them need not settle; some of them
# transform arrays after a data frame was fitted.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names"),
]
#: Checks that scikit-learn runs on its own estimators alone.
OWN_CHECKS = (
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_dataframe_column_names_consistency",
    "check_n_features_in_after_fitting",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_get_feature_names_out_error",
    "check_param_validation",
    "check_inplace_ensure_writeable",
)


#: Epochs that find the clusters of blobs: the variational model moves its own at first.
EPOCHS = dict.fromkeys(CLUSTERERS, 3) | {VariationalClusterer: 10}


def short(cls, epochs):
    """Make a clusterer for checks that hardly depend on how long a net has trained."""
    return cls(n_clusters=3, pretraining=pretraining(cls, epochs), max_epochs=epochs)


@parametrize_with_checks(
    [DeepTripletClusterer(), *(short(cls, EPOCHS[cls]) for cls in CLUSTERERS[1:])]
)
def test_common_checks(estimator, check):
    passes(estimator, check)


@pytest.mark.slow
@parametrize_with_checks(
    [
        *(cls() for cls in CLUSTERERS[1:]),
        *(cls(n_clusters=k) for cls in CLUSTERERS for k in (3, "auto")),
    ]
)
def test_common_checks_of_whole_fits(estimator, check):
    passes(estimator, check)


def passes(estimator, check):
    try:
        check(estimator)
    except BaseException as error:
        # A check that skips itself has not passed.
        if type(error).__name__ in ("SkipTest", "Skipped"):
            pytest.fail(f"skipped: {error}")
        raise


@pytest.mark.parametrize("check", OWN_CHECKS)
@pytest.mark.parametrize(
    "clusterer",
    [CLUSTERERS[0], *(pytest.param(c, marks=pytest.mark.slow) for c in CLUSTERERS[1:])],
)
def test_checks_scikit_learn_keeps_for_its_own(clusterer, check):
    # Column names and outputs are the base's, which one of the clusterers shows.
    getattr(estimator_checks, check)(clusterer.__name__, short(clusterer, 2))


def test_no_check_is_withheld(cls):
    """Tags that would switch checks off are at their defaults."""
    tags = cls().__sklearn_tags__()
    assert tags.input_tags.two_d_array
    assert tags.requires_fit
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test
