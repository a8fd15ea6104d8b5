"""Sum up and draw what ``model_selection.py`` measured."""

import csv

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

CHOSEN = "modularity"


def summarise(path, scores):
    """Write the summary and the plot next to the rows."""
    table = pd.read_csv(path)
    table["total"] = table.groupby(["data", "seed"])["accuracy"].transform("size")
    fitted = table[table["accuracy"].notna()]
    rows, scores = [], [CHOSEN, *(score for score in scores if score != CHOSEN)]
    for (data, seed), group in fitted.groupby(["data", "seed"]):
        for score in scores:
            judged = group[group[score].notna()]
            if len(judged) < 3:
                continue
            picked = judged.loc[judged[score].idxmax()]
            best = judged.loc[judged["accuracy"].idxmax()]
            rows.append(
                {
                    "data": data,
                    "seed": seed,
                    "score": score,
                    "spearman": round(
                        spearmanr(judged[score], judged["accuracy"]).statistic, 3
                    ),
                    "picked": picked["setting"],
                    "accuracy_picked": picked["accuracy"],
                    "best": best["setting"],
                    "accuracy_best": best["accuracy"],
                    "points_lost": round(
                        100 * (best["accuracy"] - picked["accuracy"]), 2
                    ),
                    "settings": len(judged),
                    "diverged": int(group["total"].iloc[0] - len(group)),
                }
            )
    if not rows:
        return
    summary = path.with_name(f"{path.stem}_summary.csv")
    with summary.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    found = pd.DataFrame(rows)
    print(found.pivot_table("spearman", "score", ["data", "seed"]).round(2))
    print(found.pivot_table("points_lost", "score", ["data", "seed"]).round(2))
    draw(fitted, found, path.with_suffix(".png"))


def draw(table, summary, path):
    """One panel a data set: accuracy against the score, a point for every fit."""
    sets = list(dict.fromkeys(table["data"]))
    fig, axes = plt.subplots(
        1, len(sets), figsize=(4 * len(sets), 3.6), layout="constrained", squeeze=False
    )
    for ax, name in zip(axes[0], sets, strict=True):
        mine = summary[(summary["data"] == name) & (summary["score"] == CHOSEN)]
        for seed, group in table[table["data"] == name].groupby("seed"):
            ax.scatter(group[CHOSEN], group["accuracy"], s=18, label=f"seed {seed}")
            top = group.loc[group[CHOSEN].idxmax()]
            ax.scatter(
                top[CHOSEN], top["accuracy"], s=90, facecolors="none", edgecolors="k"
            )
        figures = ", ".join(f"{value:.2f}" for value in np.array(mine["spearman"]))
        ax.set_title(f"{name}: Spearman {figures}", fontsize=10)
        ax.set_xlabel("score (no labels)")
    axes[0][0].set_ylabel("clustering accuracy, held out")
    axes[0][0].legend(title="circled: picked", fontsize=8, title_fontsize=8)
    fig.savefig(path, dpi=110)
    plt.close(fig)
