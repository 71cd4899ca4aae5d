"""`syncer`: its commands and options. What a command does is imported when it runs, so that `--help` stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from syncer.cli.arguments import STDIN
from syncer.cli.options import Common, Printing, Pushing, Remote
from syncer.cli.pull_commands import pull_app
from syncer.version import __version__

app = App(
    name="syncer",
    help="Keeps a remote annotation platform in step with local label changes: nothing lost, nothing twice.",
    version=__version__,
    version_flags=["--version", "-V"],
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
)
dead_app = App(name="dead", help="The dead letters: changes that the remote will not take.")
state_app = App(name="state", help="The state folder itself.")
config_app = App(name="config", help="The configuration.")
for child in (pull_app, dead_app, state_app, config_app):
    app.command(child)


@app.command
def push(
    *logs: str,
    common: Common = Common(),
    remote: Pushing = Pushing(),
    max_attempts: str | None = None,
    max_delete: str | None = None,
    moved: Literal["same", "new"] | None = None,
    strict: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(name=["--dry-run", "-n"], negative="")] = False,
    no_progress: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Apply change logs to the remote, once and in order.

    Exit codes: 0 done, 1 stopped by an error (run again to carry on), 2 bad usage or refused credentials, 3 done but dead
    letters remain, 130/143 interrupted.

    Parameters
    ----------
    logs
        Change logs: files, folders, or - for stdin. None: every log that the state knows.
    max_attempts
        Attempts of one change before it becomes a dead letter.
    max_delete
        Stop before more annotations than this are deleted, over all runs of the state; whole-input deletes are counted by listing first.
    moved
        Of logs that hold what was applied of a known log, which is not at its path any more, where neither times nor inodes tell: they are
        the same under new names, or new.
    strict
        Stop at the first bad line instead of making it a dead letter.
    dry_run
        Only read and count: no network, no state.
    no_progress
        No progress display.
    """
    from syncer.cli import push as command

    logs = tuple("-" if log == STDIN else log for log in logs)
    options = {**common.options(), **remote.options()}
    if max_attempts is not None:
        options["retry.max_attempts"] = max_attempts
    loudness = command.Loudness(progress=not (no_progress or common.quiet), verbose=common.verbose, quiet=common.quiet)
    if dry_run:
        return command.dry_run(logs, common.config, options, as_json=common.json)
    bounds = command.Bounds(strict, command.deletions(max_delete), moved)
    return command.push(logs, common.config, options, bounds=bounds, as_json=common.json, loudness=loudness)


@app.command
def verify(
    *logs: str,
    sample: str | None = None,
    exclusive: Annotated[bool, Parameter(negative="")] = False,
    moved: Literal["same", "new"] | None = None,
    common: Common = Common(),
    remote: Remote = Remote(),
) -> int:
    """Compare what the logs should have left with what the remote holds.

    A line each: = same, - missing at the remote, * differs, + a double of an annotation in the log, ! an input that could not be read.
    Exit code 4 where something differs.

    Parameters
    ----------
    logs
        Change logs, as for push. None: every log that the state knows.
    sample
        Only so many of the inputs, chosen at random.
    exclusive
        Annotations of these inputs that the logs do not know of are differences, too.
    moved
        As for push.
    """
    from syncer.cli import verify as command

    logs = tuple("-" if log == STDIN else log for log in logs)
    return command.verify(logs, common, remote, sample=sample, exclusive=exclusive, moved=moved)


@app.command
def status(*, common: Common = Common()) -> int:
    """What a state folder holds. Needs no lock."""
    from syncer.cli import state

    return state.status(common.config, common.options(), as_json=common.json)


@dead_app.command(name="list")
def dead_list(*, code: int | None = None, common: Common = Common()) -> int:
    """List the dead letters, oldest first.

    Parameters
    ----------
    code
        Only those of this status code of the remote.
    """
    from syncer.cli import dead

    return dead.list_letters(code, common.config, common.options(), as_json=common.json)


@dead_app.command(name="show")
def dead_show(letter: str, *, common: Common = Common()) -> int:
    """Show all of one dead letter.

    Parameters
    ----------
    letter
        SOURCE:LINE, as `dead list` shows it.
    """
    from syncer.cli import dead

    return dead.show(letter, common.config, common.options(), as_json=common.json)


@dead_app.command(name="retry")
def dead_retry(
    *letters: str,
    code: int | None = None,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    common: Common = Common(),
) -> int:
    """Queue dead letters to be sent again by the next push, in the order of their logs.

    Exit codes: 0 all were queued, 3 some were refused, each named with the reason.

    Parameters
    ----------
    letters
        SOURCE:LINE, as `dead list` shows them.
    code
        All of this status code of the remote.
    every
        All of them.
    force
        Also those that a later change superseded: sending them undoes it.
    """
    from syncer.cli import dead

    return dead.retry(letters, code, common.config, common.options(), every=every, force=force, as_json=common.json)


@dead_app.command(name="drop")
def dead_drop(
    *letters: str,
    code: int | None = None,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    common: Common = Common(),
) -> int:
    """Give dead letters up: they count as ignored from then on.

    Parameters
    ----------
    letters
        SOURCE:LINE, as `dead list` shows them.
    code
        All of this status code of the remote.
    every
        All of them.
    """
    from syncer.cli import dead

    return dead.drop(letters, code, common.config, common.options(), every=every, as_json=common.json)


@state_app.command(name="check")
def state_check(*, common: Common = Common()) -> int:
    """Read all of a state, of a push or of a pull, and report what is damaged: file, byte and what it means. Changes nothing.

    Exit codes: 0 whole, 1 damaged.
    """
    from syncer.cli import state

    return state.check(common.config, common.options(), as_json=common.json)


@state_app.command(name="export")
def state_export(*, out: Path | None = None, common: Common = Common()) -> int:
    """Write all that a state knows as JSON Lines: logs and how far they are, what waits with its line, dead letters, pauses.

    Of a damaged state, as much as can be read. Exit codes: 0 all of it, 1 some of it is damaged.

    Parameters
    ----------
    out
        File to write to instead of standard output.
    """
    from syncer.cli import state

    return state.export(out, common.config, common.options(), as_json=common.json)


@state_app.command(name="repair")
def state_repair(*, common: Common = Common()) -> int:
    """Set aside what is damaged in a state, leave one that starts, and say what is not known any more.

    Nothing is deleted: damaged files go to quarantine/ in the state folder. What may not be applied is asked again. Does nothing to a
    state that is whole. Needs the state's lock.
    """
    from syncer.cli import state

    return state.repair(common.config, common.options(), as_json=common.json)


@state_app.command(name="resume")
def state_resume(*, common: Common = Common()) -> int:
    """Lift the pause that a state keeps, of a push or of a pull: the next run sends at once, whatever the remote asked for.

    Does nothing to a state that keeps none. Needs the state's lock.
    """
    from syncer.cli import state

    return state.resume(common.config, common.options(), as_json=common.json)


@state_app.command
def forget(*logs: str, force: Annotated[bool, Parameter(negative="")] = False, common: Common = Common()) -> int:
    """Forget all that the state knows of logs: pushed again, they are read from their start, deletes and patches included.

    Parameters
    ----------
    logs
        The logs, as `syncer status` shows them, or patterns of their names or paths; - for what came by stdin.
    force
        Also logs with waiting changes or dead letters, which are lost.
    """
    from syncer.cli import state

    names = tuple("-" if log == STDIN else log for log in logs)
    return state.forget(names, common.config, common.options(), force=force, as_json=common.json)


@state_app.command
def move(old: str, new: str, /, *, common: Common = Common()) -> int:
    """Tell the state that a log has another path. The file there, if there is one, must hold what was applied.

    Parameters
    ----------
    old
        The log, as `syncer status` shows it, or its path.
    new
        Its path from now on.
    """
    from syncer.cli import state

    old, new = ("-" if log == STDIN else log for log in (old, new))
    return state.move(old, new, common.config, common.options(), as_json=common.json)


@config_app.command
def check(*, online: Annotated[bool, Parameter(negative="")] = False, common: Common = Common(), remote: Pushing = Pushing()) -> int:
    """Read the config and report every error in it.

    Exit codes: 0 good, 1 the app cannot be reached or is not there, 2 bad config or refused credentials.

    Parameters
    ----------
    online
        Try token and app, too, with one request that changes nothing.
    """
    from syncer.cli import config

    return config.check(common.config, {**common.options(), **remote.options()}, online=online, as_json=common.json)


@config_app.command
def show(*, common: Common = Common(), remote: Pushing = Pushing()) -> int:
    """Show every value and where it came from. Tokens are never shown."""
    from syncer.cli import config

    return config.show(common.config, {**common.options(), **remote.options()}, as_json=common.json)


@app.command
def completion(shell: Literal["bash", "zsh", "fish"], /, *, printing: Printing = Printing()) -> int:
    """Print a script that completes commands and options in your shell.

    For bash: `eval "$(syncer completion bash)"` in ~/.bashrc. For zsh: the script as `_syncer` in a folder of $fpath. For fish:
    the script as ~/.config/fish/completions/syncer.fish.

    Parameters
    ----------
    shell
        Which shell it is for.
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
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = 0,
    rps: Annotated[float, Parameter(validator=Number(gte=0))] = 15,
    latency: Annotated[float, Parameter(validator=Number(gte=0))] = 0,
    faults: str = "",
    seed: int = 0,
    load: tuple[str, ...] = (),
    printing: Printing = Printing(),
) -> int:
    """Run a local stand-in for the remote. It keeps all in memory; nothing outlives it.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port; 0 takes a free one. The address is printed as one JSON line.
    rps
        Requests a second that it lets through; 0: no limit.
    latency
        Seconds that every answer takes.
    faults
        Comma-separated name=probability faults and name=value switches (docs/emulator.md).
    seed
        Seed of the faults.
    load
        Change log to load, as USER/APP=FILE.
    """
    from syncer.cli import emulator as command

    return command.emulator(host=host, port=port, rps=rps, latency=latency, faults=faults, seed=seed, load=load)


@app.command
def demo(*, printing: Printing = Printing()) -> int:
    """Push a sample of labels through the emulator with faults on, read them back, compare."""
    from syncer.cli import demo as command

    return command.demo(as_json=printing.json)
