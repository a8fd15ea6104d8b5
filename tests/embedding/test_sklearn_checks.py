"""Every check of scikit-learn on the embedder, with nothing skipped."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from deepcluster_sk import ImageEmbedder
from tests.base.test_sklearn_checks import passes
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


@pytest.mark.parametrize(
    "check",
    [
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_output_transform_pandas",
        "check_dataframe_column_names_consistency",
        "check_n_features_in_after_fitting",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_get_feature_names_out_error",
        "check_param_validation",
        "check_inplace_ensure_writeable",
    ],
)
def test_checks_scikit_learn_keeps_for_its_own(check):
    getattr(estimator_checks, check)("ImageEmbedder", ImageEmbedder(squares))
