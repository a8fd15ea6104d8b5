"""Charts of the documentation, drawn anew at every build from what was measured."""

from benchmarks.figures import plt, save
from benchmarks.pages import NAMES, PIXELS
from benchmarks.tables import fits_of_the_default, numbers

#: What is drawn, below or above: a method (or the default), and a column of its rows.
_BESIDE = {
    "k-means": ("k-means", "acc", "o", "tab:gray", 1),
    "before clusters are trained": (None, "start_acc", "|", "tab:orange", 3),
    "default": (None, "acc", "D", "tab:blue", 2),
}


def draw_all(folder):
    """Write every chart as an SVG file, which is sharp on any screen."""
    folder.mkdir(parents=True, exist_ok=True)
    draw_accuracy(folder / "accuracy.svg")
    draw_minutes(folder / "minutes.svg")


def draw_accuracy(path):
    """Draw the accuracy on every set, best first, beside what it started from."""
    # Of a set that was measured as a whole and in samples, the whole.
    fits = {}
    for name, ours, others in fits_of_the_default():
        n = int(ours[0]["n"])
        if name not in fits or n > fits[name][0]:
            fits[name] = (n, ours, others)
    order = sorted(fits, key=lambda name: numbers(fits[name][1], "acc").mean())
    figure, ax = plt.subplots(
        figsize=(6.4, 1.2 + 0.3 * len(order)), layout="constrained"
    )
    for label, (method, column, marker, colour, layer) in _BESIDE.items():
        measured = [
            (numbers(rows, column).mean(), place)
            for place, name in enumerate(order)
            if (rows := fits[name][2][method] if method else fits[name][1])
        ]
        ax.scatter(
            *zip(*measured, strict=True),
            marker=marker,
            color=colour,
            label=label,
            s=60,
            linewidths=2,
            zorder=layer + 2,
        )
    ax.set_yticks(range(len(order)), [NAMES.get(name, name) for name in order])
    ax.set(xlim=(0, 1.02), xlabel="accuracy")
    ax.grid(axis="x", alpha=0.4)
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    save(figure, path)


def draw_minutes(path):
    """Draw CPU minutes of default fits against the number of images."""
    figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    sizes = {}
    for name, ours, _ in fits_of_the_default():
        point = (int(ours[0]["n"]), numbers(ours, "cpu_seconds").mean() / 60)
        sizes.setdefault(PIXELS.get(name, "?"), []).append(point)
    for pixels, points in sorted(sizes.items()):
        x, y = zip(*sorted(points), strict=True)
        ax.plot(x, y, "o--", label=pixels)
    ax.set(xscale="log", yscale="log", xlabel="images", ylabel="CPU minutes")
    # Numbers that are read at once, in place of powers of ten.
    ax.set_xticks([1000, 10_000, 100_000], ["1,000", "10,000", "100,000"])
    ax.set_yticks([0.5, 1, 5, 15, 60], ["0.5", "1", "5", "15", "60"])
    ax.minorticks_off()
    ax.grid(alpha=0.4)
    ax.legend(title="pixels", fontsize="small")
    save(figure, path)
