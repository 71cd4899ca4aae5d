"""Bars of what `push_peers` measured, drawn by matplotlib (plots.lock).

plot_peers.py RAW.json OUT.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "syncer", "font.size": 9})
from matplotlib import pyplot as plt  # noqa: E402 - once the backend is chosen

OURS, OTHERS = "#1f6feb", "#9aa4b2"


def draw(raw: Path, out: Path) -> None:
    """CPU and memory, on scales of powers of ten, and the share of the limit."""
    runs = json.loads(raw.read_text())
    echoed = [one for one in runs["unlimited"] if one["echo"]]
    large = [
        one
        for one in echoed
        if one["annotations"]
        == max(o["annotations"] for o in echoed if o["client"] == one["client"])
    ]
    cpu = _medians(large, lambda one: one["cpu_seconds"] / one["annotations"] * 1e6)
    memory = _medians(large, lambda one: one["peak_kb"] / 1024)
    used = _medians(runs["limited"], lambda one: 100 * one["share_used"])
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    _bars(left, cpu, "µs of CPU per annotation (less is better)", log=True)
    _bars(middle, memory, "peak MB (less is better)", log=True)
    _bars(right, used, "% of 15 requests a second used", log=False)
    figure.savefig(out, metadata={"Date": None})


def _medians(runs: list[dict[str, Any]], figure: Any) -> dict[str, float]:
    clients = dict.fromkeys(one["client"] for one in runs)
    return {
        client: median(figure(one) for one in runs if one["client"] == client) for client in clients
    }


def _bars(axes: Any, figures: dict[str, float], title: str, *, log: bool) -> None:
    names = [name.replace("`", "").split(",")[0] for name in figures]
    colours = [OURS if name.startswith("syncer") else OTHERS for name in names]
    bars = axes.barh(names, list(figures.values()), color=colours, log=log)
    axes.bar_label(bars, fmt="{:,.1f}", padding=2, fontsize=8)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=9, loc="left")
    axes.margins(x=0.25)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
