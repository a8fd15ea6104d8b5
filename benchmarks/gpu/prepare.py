"""What a machine with a GPU needs besides the checkout."""

import shutil
from importlib.metadata import distribution
from pathlib import Path

from benchmarks.provenance import note

#: Packages that are needed and, being in Python alone, run wherever they are copied.
PACKAGES = ("skorch",)
#: Data sets, the most needed first; digits come with scikit-learn.
SETS = ("usps", "mnist", "fashion_mnist", "imagenette32", "cifar10_train")
#: Bytes that travel at a time.
PART = 60 << 20


def prepare(folder, data):
    """Put packages, data and what commit this is into a folder.

    Parameters
    ----------
    folder : Path
    data : Path or None
        ``.npz`` files of the sets; without it no data are prepared.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "commit").write_text(note())
    for name in PACKAGES:
        copy_package(name, folder / "site")
    for number, files in enumerate(parts(data), 1):
        part = folder / str(number)
        part.mkdir(exist_ok=True)
        for file in files:
            shutil.copy(file, part / file.name)
        size = sum(file.stat().st_size for file in files) / 2**20
        print(f"{part}: {size:.1f} MiB, {', '.join(file.name for file in files)}")


def copy_package(name, site):
    """Copy a package from the environment this runs in."""
    for file in distribution(name).files:
        source = Path(file.locate())
        if ".." in file.parts or source.suffix == ".pyc":
            continue
        if source.suffix in (".so", ".pyd"):
            raise ValueError(f"{name} is not in Python alone: {file}")
        target = site / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def parts(data):
    """Files of the sets, in as many lots as travel alone."""
    lots, left = [], 0
    for name in SETS if data is not None else ():
        for file in [*data.glob(f"{name}.npz"), *sorted(data.glob(f"{name}_*of*.npz"))]:
            size = file.stat().st_size
            if size > left:
                lots.append([])
                left = PART
            lots[-1].append(file)
            left -= size
    return lots
