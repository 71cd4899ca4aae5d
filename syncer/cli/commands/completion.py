"""`syncer completion`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from syncer.cli.options import PrintingOptions
from syncer.cli.output import print_json, print_page, printing

app = App(name="completion")


@app.default
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(metavar="SHELL")],
    /,
    *,
    options: PrintingOptions = PrintingOptions(),
) -> int:
    """Print a script that completes commands and options in your shell.

    For bash: put `eval "$(syncer completion bash)"` into ~/.bashrc. For zsh: save the
    script as `_syncer` in a folder of $fpath. For fish: save the script as
    ~/.config/fish/completions/syncer.fish.

    Parameters
    ----------
    shell
        The shell.
    """
    from syncer.cli.app import app as program

    script = program.generate_completion(shell=shell)
    if printing.json:
        print_json({"shell": shell, "script": script})
    else:
        print_page(script)
    return 0
