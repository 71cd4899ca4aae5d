"""`syncer`: its commands and options.

What a command does is imported when it runs, so that `--help` stays quick.
"""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from syncer.cli.dead_commands import dead_app
from syncer.cli.options import Common, Log, NotNegative, Port, Printing, Pushing, Remote, Whole
from syncer.cli.pull_commands import pull_app
from syncer.cli.state_commands import config_app, state_app
from syncer.version import __version__

app = App(
    name="syncer",
    help=(
        "Keeps a remote annotation platform in step with local label changes: nothing lost, nothing"
        " twice."
    ),
    version=__version__,
    version_flags=["--version", "-V"],
    help_format="markdown",
    default_parameter=Parameter(negative="", show_default=False),
    suppress_keyboard_interrupt=False,
)
for child in (pull_app, dead_app, state_app, config_app):
    app.command(child)


Moved = Annotated[Literal["same", "new"] | None, Parameter(metavar="same|new", show_choices=False)]


@app.command(usage="Usage: syncer push [OPTIONS] [LOG...]")
def push(
    *logs: Log,
    common: Common = Common(),
    remote: Pushing = Pushing(),
    max_attempts: Annotated[str | None, Parameter(metavar="N")] = None,
    max_delete: Annotated[str | None, Parameter(metavar="N")] = None,
    moved: Moved = None,
    strict: bool = False,
    dry_run: Annotated[bool, Parameter(name=["--dry-run", "-n"])] = False,
    no_progress: bool = False,
) -> int:
    """Apply change logs to the remote, once and in order.

    Exit codes: 0 done, 1 stopped by an error (run again to carry on), 2 bad usage or
    refused credentials, 3 done but dead letters remain, 130/143 interrupted.

    Parameters
    ----------
    logs
        Change logs: files, folders, or - for standard input. Default: every log that
        the state knows.
    max_attempts
        Attempts of one change before it becomes a dead letter.
    max_delete
        Stop before more annotations than this are deleted, over all runs of this state.
        Deletes of whole inputs are counted by listing
        first.
    moved
        Whether a log whose content is known under a path that is gone is that log,
        moved, or a new one. Needed only where neither the time
        nor the inode of the file decides.
    strict
        Stop at the first bad line instead of making it a dead letter.
    dry_run
        Only read and count, without network or state.
    no_progress
        Show no progress.
    """
    from syncer.cli import push as command

    options = {**common.options(), **remote.options()}
    if max_attempts is not None:
        options["retry.max_attempts"] = max_attempts
    loudness = command.Loudness(
        progress=not (no_progress or common.quiet), verbose=common.verbose, quiet=common.quiet
    )
    if dry_run:
        return command.dry_run(logs, common.config, options, as_json=common.json)
    bounds = command.Bounds(strict, command.deletions(max_delete), moved)
    return command.push(
        logs, common.config, options, bounds=bounds, as_json=common.json, loudness=loudness
    )


@app.command(usage="Usage: syncer verify [OPTIONS] [LOG...]")
def verify(
    *logs: Log,
    sample: Annotated[str | None, Parameter(metavar="N")] = None,
    exclusive: bool = False,
    moved: Moved = None,
    common: Common = Common(),
    remote: Remote = Remote(),
) -> int:
    """Compare what the logs should have left with what the remote holds.

    One line each: = same, + missing at the remote, * differs, - a double of an
    annotation in the log, ! an input that could not be read.

    Exit code 4 if something differs.

    Parameters
    ----------
    logs
        Change logs, as for push. Default: every log that the state knows.
    sample
        Compare only this many of the inputs, chosen at random.
    exclusive
        Count annotations of these inputs that the logs do not name as differences, too.
    moved
        As for push.
    """
    from syncer.cli import verify as command

    return command.verify(logs, common, remote, sample=sample, exclusive=exclusive, moved=moved)


@app.command
def status(*, common: Common = Common()) -> int:
    """Show what a state folder holds. Needs no lock."""
    from syncer.cli import state

    return state.status(common.config, common.options(), as_json=common.json)


@app.command
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(metavar="SHELL")],
    /,
    *,
    printing: Printing = Printing(),
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
    from syncer.cli.output import print_json, print_page

    script = app.generate_completion(shell=shell)
    if printing.json:
        print_json({"shell": shell, "script": script})
    else:
        print_page(script)
    return 0


@app.command
def emulator(
    *,
    host: Annotated[str, Parameter(metavar="ADDRESS", show_default=True)] = "127.0.0.1",
    port: Port = 0,
    rps: Annotated[float, NotNegative, Parameter(metavar="N", show_default=True)] = 15,
    latency: Annotated[float, NotNegative, Parameter(metavar="SECONDS")] = 0,
    faults: Annotated[str, Parameter(metavar="SPEC")] = "",
    seed: Whole = 0,
    load: Annotated[tuple[str, ...], Parameter(metavar="FILE", consume_multiple=False)] = (),
    printing: Printing = Printing(),
) -> int:
    """Run a local stand-in for both remotes. It keeps everything in memory; nothing
    outlives it.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port to listen on. Default: any free one. The address is printed as one line of
        JSON.
    rps
        Requests per second that it lets through; 0 for no limit.
    latency
        Seconds that every answer takes.
    faults
        Faults (name=probability) and switches (name=value), separated by commas; see
        docs/emulator.md.
    seed
        Seed of the faults.
    load
        What it holds from the start: a change log, as USER/APP=FILE, or a JSON file of
        Annotell projects. May be repeated.
    """
    from syncer.cli import emulator as command

    return command.emulator(
        host=host, port=port, rps=rps, latency=latency, faults=faults, seed=seed, load=load
    )


@app.command
def demo(*, printing: Printing = Printing()) -> int:
    """Push a sample of labels through the emulator with faults on, read them back,
    compare.
    """
    from syncer.cli import demo as command

    return command.demo(as_json=printing.json)
