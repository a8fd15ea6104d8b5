"""Damaged and odd pictures: is each one read, or named with the reason?

    python -m benchmarks.robustness.pictures --files 4600 --seed 0

Small pictures are made on the fly in every format and mode that can be written, and
damaged in one of eight ways. Each is read beside a sound picture. Anything else than
"read" or "left out with a reason" is a fault: an error, a warning, values that are not
finite, the sound picture missing, another program started, a picture lost that was not
damaged. All are then read once more in a single folder, and in a zip file of it, which
must give the same.
Rows, one a kind of damage, go to ``results/robustness_pictures.csv``.
"""

import argparse
import csv
import io
import shutil
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import EpsImagePlugin, Image

from benchmarks.provenance import provenance
from benchmarks.runner import RESULTS
from deepcluster_sk.data.pictures import learn_formats
from deepcluster_sk.datasets import load_pictures

#: Modes that Pillow writes to each format.
MODES = {
    "png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "jpg": ("L", "RGB", "CMYK"),
    "gif": ("1", "L", "P"),
    "bmp": ("1", "L", "P", "RGB", "RGBA"),
    "tif": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"),
    "webp": ("RGB", "RGBA"),
    "jp2": ("L", "LA", "RGB", "RGBA"),
    "tga": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "ppm": ("1", "L", "RGB"),
    "heic": ("L", "RGB", "RGBA"),
}
FORMATS = {"jpg": "jpeg", "tif": "tiff", "jp2": "jpeg2000", "heic": "heif"}
SIZE = 16


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--files", type=int, default=4600)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument(
        "--no-results", action="store_true", help="print the figures only"
    )
    options = options.parse_args()
    learn_formats()
    counts, faults = campaign(options.files, options.seed)
    for fault in faults:
        print(fault)
    print(f"{'damage':<12}{'files':>7}{'read':>7}{'left out':>10}{'faults':>8}")
    rows = []
    for damage in (*DAMAGES, "all at once", "zipped"):
        read, left_out, bad = (
            counts[damage, outcome] for outcome in ("read", "left out", "fault")
        )
        files = read + left_out + bad
        print(f"{damage:<12}{files:7}{read:7}{left_out:10}{bad:8}")
        rows.append([options.seed, damage, files, read, left_out, bad])
    if not options.no_results:
        write(rows, options)
    return bool(faults)


def campaign(n_files, seed):
    """Read so many files; count outcomes by damage, and describe the faults."""
    random = np.random.default_rng(seed)
    counts, faults, single = Counter(), [], {}
    with tempfile.TemporaryDirectory() as name:
        everything = Path(name, "all")
        everything.mkdir()
        for number in range(n_files):
            damage = list(DAMAGES)[number % len(DAMAGES)]
            ending, content, must_be_read = DAMAGES[damage](random)
            folder = Path(name, str(number))
            folder.mkdir()
            Image.new("L", (SIZE, SIZE), 100).save(folder / "sound.png")
            file = f"{number:05}.{ending}"
            (folder / file).write_bytes(content)
            (everything / file).write_bytes(content)
            outcome, why = read_one(folder, file, must_be_read)
            single[file] = outcome
            counts[damage, outcome] += 1
            if outcome == "fault":
                faults.append(f"{damage}, {file}: {why}")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = load_pictures(everything, size=SIZE)
            zipped = load_pictures(
                shutil.make_archive(str(everything), "zip", everything), size=SIZE
            )
    same = np.array_equal(found.X, zipped.X) and reasons_of(found) == reasons_of(zipped)
    counts["zipped", "read" if same else "fault"] += n_files
    if not same:
        faults.append(f"zipped: {set(reasons_of(found)) ^ set(reasons_of(zipped))}")
    # Floating-point numbers have no common scale with the others, alone or not.
    together = {path.name for path in found.paths}
    together |= {item.path.name for item in found.unreadable if "scale" in item.reason}
    named = {item.path.name for item in (*found.unreadable, *found.skipped)}
    for file, outcome in single.items():
        same = outcome == ("read" if file in together else "left out")
        known = file in together or file in named
        if not known or not (same or outcome == "fault"):
            counts["all at once", "fault"] += 1
            faults.append(f"all at once, {file}: {outcome} alone")
        else:
            counts["all at once", "read" if file in together else "left out"] += 1
    return counts, faults


def reasons_of(found):
    """Names and reasons of what was not read."""
    return [(path.name, why) for path, why in (*found.unreadable, *found.skipped)]


def read_one(folder, file, must_be_read):
    """Read a folder of one sound picture and another: "read", "left out", "fault"."""
    with (
        warnings.catch_warnings(),
        mock.patch.object(EpsImagePlugin, "Ghostscript", side_effect=SystemExit),
    ):
        warnings.simplefilter("error")
        try:
            found = load_pictures(folder, size=SIZE)
        except BaseException as error:
            return "fault", f"{type(error).__name__}: {error}"
    names = [path.name for path in found.paths]
    reasons = {path.name: reason for path, reason in found.unreadable}
    reasons |= {path.name: reason for path, reason in found.skipped}
    if "sound.png" not in names:
        return "fault", f"the sound picture is lost: {reasons}"
    if not np.isfinite(found.X).all() or len(found.X) != len(names):
        return "fault", "values that are not finite, or a row too many"
    if file in names:
        return "read", ""
    if not reasons.get(file):
        return "fault", "left out without a reason"
    if must_be_read:
        return "fault", f"not damaged, but {reasons[file]}"
    return "left out", reasons[file]


def made(random, ending=None, mode=None, **options):
    """Make a picture: its ending and its content."""
    ending = ending or str(random.choice(list(MODES)))
    mode = mode or str(random.choice(MODES[ending]))
    height, width = random.integers(1, 60, 2)
    pixels = random.integers(0, 256, (height, width, 3), np.uint8)
    picture = Image.fromarray(pixels)
    if mode == "I;16":
        picture = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    elif mode == "I":
        picture = Image.fromarray(pixels[..., 0].astype(np.int32) << 23)
    elif mode == "F":
        picture = Image.fromarray(pixels[..., 0].astype(np.float32) / 255)
    else:
        if "A" in mode:
            picture.putalpha(picture.getchannel("R"))
        picture = picture.convert(mode)
        if mode in ("1", "L", "P", "RGB") and random.random() < 0.3:
            level = int(random.integers(256))
            transparent = (level,) * 3 if mode == "RGB" else level
            if ending in ("png", "gif"):
                options["transparency"] = transparent
    file = io.BytesIO()
    picture.save(file, FORMATS.get(ending, ending), **options)
    return ending, file.getvalue()


def sound(random):
    return *made(random), True


def cut_short(random):
    ending, content = made(random)
    return ending, content[: random.integers(len(content))], False


def flipped_bits(random):
    ending, content = made(random)
    damaged = bytearray(content)
    for place in random.integers(len(damaged), size=random.integers(1, 20)):
        damaged[place] ^= 1 << random.integers(8)
    return ending, bytes(damaged), False


def zeroed(random):
    ending, content = made(random)
    start, stop = np.sort(random.integers(len(content), size=2))
    return ending, content[:start] + bytes(stop - start) + content[stop:], False


def shuffled(random):
    """Parts of two pictures, one behind the other."""
    (ending, first), (_, second) = made(random), made(random)
    cut = random.integers(len(first))
    return ending, first[:cut] + second[random.integers(len(second)) :], False


def wrong_ending(random):
    """A picture, a file of another kind, or noise, by the name of a picture."""
    ending = str(random.choice(list(MODES)))
    kind = random.integers(4)
    if kind == 0:
        inside, content = made(random)
        # TGA has no mark by which it is known, and is known by its ending alone.
        return ending, content, "tga" not in (inside, ending) or inside == ending
    if kind == 1:
        file = io.BytesIO()
        Image.new("RGB", (20, 20)).save(file, str(random.choice(["eps", "pcx", "ico"])))
        return ending, file.getvalue(), False
    if kind == 2:
        return ending, random.bytes(random.integers(2000)), False
    return ending, b"<html>404, not found</html>" * random.integers(3), False


def odd_exif(random):
    """EXIF entries of any tag, type and value, and one for the orientation."""
    n_entries = int(random.integers(1, 6))
    entries = [(0x0112, 3, 1, bytes([random.integers(10), 0, 0, 0]))]
    tags = (0x010F, 0x011A, 0x0128, 0x0132, 0x8769, 0x8825, 0x9286, 0xA002, 0xA005)
    for _ in range(n_entries):
        tag = int(random.choice(tags))
        count = int(random.choice([0, 1, 3, 1000, 2**31]))
        entries.append((tag, int(random.integers(14)), count, random.bytes(4)))
    random.shuffle(entries)
    block = b"Exif\0\0II*\0\x08\0\0\0" + len(entries).to_bytes(2, "little")
    for tag, kind, count, value in entries:
        block += tag.to_bytes(2, "little") + kind.to_bytes(2, "little")
        block += count.to_bytes(4, "little") + value
    block += random.bytes(random.integers(4, 40))
    ending = str(random.choice(["jpg", "png", "webp"]))
    return *made(random, ending, exif=block), True


def odd_values(random):
    """Floating-point numbers that are not finite, or very large."""
    height, width = random.integers(1, 40, 2)
    pixels = random.random((height, width), np.float32)
    place = random.integers(height), random.integers(width)
    pixels[place] = random.choice([np.nan, np.inf, -np.inf, 3e38, -3e38])
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "tiff")
    return "tif", file.getvalue(), False


DAMAGES = {
    "none": sound,
    "cut short": cut_short,
    "bits": flipped_bits,
    "zeros": zeroed,
    "shuffled": shuffled,
    "ending": wrong_ending,
    "exif": odd_exif,
    "values": odd_values,
}


def write(rows, options):
    about = provenance()
    about["command"] = (
        "python -m benchmarks.robustness.pictures "
        f"--files {options.files} --seed {options.seed}"
    )
    header = ["seed", "damage", "files", "read", "left_out", "faults", *about]
    with (RESULTS / "robustness_pictures.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([*row, *about.values()] for row in rows)


if __name__ == "__main__":
    raise SystemExit(main())
