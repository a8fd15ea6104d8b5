"""
A folder of pictures
====================

:func:`~deepcluster_sk.datasets.load_pictures` reads a folder into one array: pictures
are turned upright, cut to squares and scaled to one size. What cannot be read is named.
"""

# %%
# A folder
# --------
# Made here: discs, squares and crosses in any colour, and one file that is no picture.

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

rng = np.random.default_rng(0)
rows, columns = np.mgrid[:16, :16]


def draw(shape):
    """Make a picture of 16x16 pixels, a little off the middle."""
    x, y = rng.uniform(7, 8, 2)
    across, down = np.abs(columns - x), np.abs(rows - y)
    inside = {
        "disc": across**2 + down**2 < 16,
        "square": np.maximum(across, down) < 5.5,
        "cross": (np.minimum(across, down) < 1.2) & (np.maximum(across, down) < 7),
    }[shape]
    ink, paper = rng.uniform(0, 90, 3), rng.uniform(200, 255, 3)
    picture = np.where(inside[..., None], ink, paper) + rng.normal(0, 6, (16, 16, 3))
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


folder = TemporaryDirectory()
for i in range(300):
    shape = ("disc", "square", "cross")[i % 3]
    draw(shape).save(Path(folder.name, f"{shape}-{i}.png"))
Path(folder.name, "notes.png").write_text("no picture")

# %%
# Read it
# -------

from deepcluster_sk.datasets import load_pictures

pictures = load_pictures(folder.name)
X = pictures.X
print(X.shape, X.dtype)
for left_out in pictures.unreadable:
    print(f"{left_out.path.name}: {left_out.reason}")

# %%
# Cluster it
# ----------
# By colour the pictures are all alike or all different; the clusters are of shapes.

from deepcluster_sk import NeighborGraphClusterer
from deepcluster_sk.plotting import ClustersDisplay

model = NeighborGraphClusterer(3, random_state=0).fit(X)
_ = ClustersDisplay.from_estimator(model, X)

# %%
# The files of each cluster
# -------------------------

for cluster in range(3):
    members = np.flatnonzero(model.labels_ == cluster)
    names = [pictures.paths[i].name for i in members[:4]]
    print(f"{cluster}: {len(members)} files, such as {', '.join(names)}")
folder.cleanup()
