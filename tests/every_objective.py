"""A case for every objective, and for every way it may get its batches and targets."""

from deepcluster_sk import (
    DatasetNegatives,
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    InstanceDiscrimination,
    Reconstruction,
    SelfTraining,
    TEMIClusterer,
    TripletMargin,
    VariationalClusterer,
)

#: Settings that train a small network for two epochs of four batches, of 64 samples.
SHORT = {
    "max_epochs": 2,
    "tol": 0.0,
    "batch_size": 16,
    "random_state": 0,
    "latent_dim": 4,
    "module__channels": (4, 8),
}
CASES = {
    "triplet": (DeepTripletClusterer, {"pretraining": TripletMargin(2)}),
    "discrimination": (
        DeepTripletClusterer,
        {"pretraining": InstanceDiscrimination(2), "image_kind": "photograph"},
    ),
    "negatives of the data set": (
        DeepTripletClusterer,
        {
            "pretraining": Reconstruction(2, omega=0.3),
            "negatives": DatasetNegatives(3),
            "targets": SelfTraining(),
        },
    ),
    "k-means": (DeepTripletClusterer, {"init": "kmeans", "pretraining": None}),
    "DEC": (DECClusterer, {"pretraining": Reconstruction(2)}),
    "augmented IDEC": (
        DECClusterer,
        {
            "augmentation": "auto",
            "init": "graph",
            "reconstruction_weight": 10.0,
            "pretraining": Reconstruction(2),
        },
    ),
    "DEPICT": (DepictClusterer, {"pretraining": Reconstruction(2)}),
    "neighbours in the data set": (TEMIClusterer, {}),
    "variational": (VariationalClusterer, {"pretraining": Reconstruction(1)}),
}
