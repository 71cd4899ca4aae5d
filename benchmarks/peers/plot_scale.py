"""Curves of what `scale` measured, drawn by matplotlib (plots.lock).

plot_scale.py RAW.json OUT.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "syncer", "font.size": 9})
from matplotlib import pyplot as plt  # noqa: E402 - once the backend is chosen

OURS = "#1f6feb"


def draw(raw: Path, out: Path) -> None:
    """Time on two scales of powers of ten; memory and restart on plain ones."""
    rows = json.loads(raw.read_text())
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 2.8), layout="constrained")
    _curve(left, rows, [row["seconds"] for row in rows], "seconds", log=True)
    _curve(middle, rows, [row["peak_kb"] / 1024 for row in rows], "peak MB")
    _curve(right, rows, [row["restart_seconds"] for row in rows], "seconds of a start with no work")
    figure.savefig(out, metadata={"Date": None})


def _curve(
    axes: Any, rows: list[dict[str, Any]], figures: list[float], title: str, *, log: bool = False
) -> None:
    axes.plot([row["changes"] for row in rows], figures, marker="o", color=OURS)
    axes.set_xscale("log")
    axes.set_xlabel("changes")
    if log:
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, max(figures) * 1.3)
    axes.set_title(title, fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
