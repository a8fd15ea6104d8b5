"""A folder of made photographs, as large as those of a camera."""

import os

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

#: Width and height in pixels: 12 megapixels.
SIZE = 4_000, 3_000
#: Noise of a sensor, in grey levels: with it, files have the 3 MB of a phone's.
NOISE = 6
QUALITY = 88


def make_photographs(folder, n, n_different=8):
    """Write JPEG files: a few different ones, and links to them by other names.

    Parts of two photographs that come with scikit-learn, enlarged, with noise.
    """
    rng = np.random.default_rng(0)
    originals = [Image.fromarray(image) for image in load_sample_images().images]
    files = []
    for number in range(min(n, n_different)):
        original = originals[number % len(originals)]
        left, top = rng.integers(0, 240), rng.integers(0, 127)
        box = left, top, left + 400, top + 300
        large = original.resize(SIZE, Image.Resampling.BICUBIC, box=box)
        noisy = np.asarray(large) + rng.normal(0, NOISE, (*SIZE[::-1], 1))
        file = folder / f"{number:05}.jpg"
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, quality=QUALITY)
        files.append(file)
    for number in range(n_different, n):
        os.link(files[number % n_different], folder / f"{number:05}.jpg")
