"""The figures of pushes beside other clients."""

from __future__ import annotations

import re

from benchmarks.incumbents.pushers import PEERS
from benchmarks.push_peers import Pushed, list_runs

PUSHED = Pushed("a client", 128, True, 0.1, 1.0, 1024, 5, 1, 0, 0, 0.5)


def test_the_plot_finds_each_figure_that_it_draws() -> None:
    """Wrong: twenty minutes of runs, and then no plot of them."""
    runs = list_runs([PUSHED], [PUSHED])
    source = (PEERS / "plot_peers.py").read_text()
    lists = set(re.findall(r'runs\["(\w+)"\]', source))
    figures = set(re.findall(r'(?:one|o)\["(\w+)"\]', source))
    assert lists == runs.keys()
    assert "share_used" in figures
    assert figures <= runs["unlimited"][0].keys() | runs["limited"][0].keys()
    assert runs["limited"][0]["share_used"] == 4 / (15 * 1.5)
