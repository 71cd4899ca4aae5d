"""Dead letters of a state folder: which are meant, sending them again, dropping them.

Both take the state's lock and only write down what is to be: the next push sends. A
retry is committed in portions, in log order; one that is cut short has queued the first
of them, and the same command goes on with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from syncer.core.change import Change
from syncer.core.facts import DeadLetter, Fact
from syncer.core.ledger import Ledger
from syncer.core.letters import OpenLetter
from syncer.core.limits import Limits
from syncer.core.retry import RetryQueue, dropped, queued_again
from syncer.errors import UsageError
from syncer.journal.dead import FILE, by_present_names, letter_at, open_letters, read_dead
from syncer.journal.journal import Journal
from syncer.printable import as_argument
from syncer.sources.lines import LineOptions, LinePlace, parse
from syncer.sources.logs import resolved

COMMIT_LETTERS_MAX = 2000
COMMIT_BYTES_MAX = 1 << 20
"""Of lines in one commit; a longer line goes alone."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which letters are meant: of places (`SOURCE:LINE`), of a code, or all."""

    places: tuple[str, ...] = ()
    code: int | None = None
    every: bool = False

    def __post_init__(self) -> None:
        """Exactly one way to select. Raises UsageError."""
        if bool(self.places) + (self.code is not None) + self.every != 1:
            raise UsageError(
                "say which dead letters: SOURCE:LINE as `syncer dead list` shows them, or --code,"
                " or --all; one of these"
            )

    def select(
        self, letters: Iterable[OpenLetter], ledger: Ledger, folder: Path
    ) -> Iterator[OpenLetter]:
        """Those of the letters that are meant.

        Raises UsageError where a place or a code has none (at the end).
        """
        wanted = [_parsed(place) for place in self.places]
        paths = (
            {number: resolved(log.identity.path) for number, log in ledger.logs.items()}
            if wanted
            else {}
        )
        matched: set[int] = set()
        count = 0
        for found in letters:
            letter = found.letter
            if letter.log not in ledger.logs:
                continue
            if self.places:
                here = [
                    n
                    for n, place in enumerate(wanted)
                    if place.line == letter.line and place.is_of(letter.source, paths[letter.log])
                ]
                matched.update(here)
                if not here:
                    continue
            elif not self.every and letter.code != self.code:
                continue
            count += 1
            yield found
        lost = [place for n, place in enumerate(self.places) if n not in matched]
        if lost or (self.code is not None and not count):
            what = f"code {self.code}" if self.code is not None else ", ".join(lost)
            raise UsageError(
                f"no dead letter matches {what}; run `syncer dead list --state"
                f" {as_argument(folder)}` to see the open ones"
            )


@dataclass(frozen=True, slots=True)
class _LetterRef:
    source: str
    path: str
    line: int

    def is_of(self, source: str, path: str) -> bool:
        """Return whether this is the log, by the name it was given or by its path."""
        return source == self.source or path == self.path


def _parsed(place: str) -> _LetterRef:
    source, colon, line = place.rpartition(":")
    if not colon or not source or not line.isascii() or not line.isdigit():
        raise UsageError(f"{place!r} is not of the form SOURCE:LINE (for example changes.jsonl:7)")
    return _LetterRef(source, resolved(source), int(line))


def open_in(folder: Path, selector: Selector | None = None) -> Iterator[OpenLetter]:
    """The open letters of a state that another process may be using, oldest first: all,
    or those that are meant. Raises StateError, UsageError.
    """
    if selector is None:
        return read_dead(folder)
    ledger, _, _ = Journal.read_only(folder)
    return selector.select(read_dead(folder), ledger, folder)


@dataclass(frozen=True, slots=True)
class RefusedLetter:
    """A letter that was not queued, and why."""

    source: str
    line: int
    reason: str


@dataclass(slots=True)
class RetryResult:
    """What a retry came to."""

    queued: int = 0
    refused: int = 0
    left: int = 0
    """Selected, but more than the retry queue takes at a time: a push makes room."""


@dataclass(frozen=True, slots=True)
class _Selected:
    """A letter to be queued, without its text."""

    log: int
    index: int
    number: int
    superseded: bool
    offset: int


Refuse = Callable[[RefusedLetter], None]
"""Called with each letter that is not queued: there may be millions of them."""


def retry(
    folder: Path,
    selector: Selector,
    options: LineOptions,
    refuse: Refuse = lambda _: None,
    *,
    force: bool = False,
) -> RetryResult:
    """Queue letters again; superseded ones only with `force`.

    Raises StateError, UsageError.
    """
    result = RetryResult()
    journal = Journal.open(folder, None)
    try:
        ledger, path = journal.ledger, folder / FILE
        room = Limits().queue_max - len(ledger.queue)
        chosen: list[_Selected] = []
        for found in selector.select(
            by_present_names(open_letters(path, ledger.dead_size), ledger), ledger, folder
        ):
            letter = found.letter
            if (
                why := _unwanted(found, ledger, force=force) or _unfit(letter, options)
            ) is not None:
                result.refused += 1
                refuse(RefusedLetter(letter.source, letter.line, why))
            elif len(chosen) >= room:
                result.left += 1
            else:
                chosen.append(
                    _Selected(
                        letter.log, letter.index, found.number, found.superseded, found.offset
                    )
                )
        chosen.sort(key=lambda letter: (letter.log, letter.index))
        _queue(
            journal,
            (OpenLetter(one.number, letter_at(path, one.offset), one.superseded) for one in chosen),
            options,
        )
        result.queued = len(chosen)
    finally:
        journal.close()
    return result


def _unwanted(found: OpenLetter, ledger: Ledger, *, force: bool) -> str | None:
    """Why a letter is not to be queued, whatever its line says; None: it may be."""
    letter = found.letter
    if found.superseded and not force:
        return (
            "superseded: a later change of the same annotation was applied, and this one would undo"
            " it (--force queues it all the same)"
        )
    if not letter.whole:
        return (
            f"{letter.reason}; only a part of the line was kept: append a corrected line to the"
            " log, and drop this letter"
        )
    if not letter.attempts and ledger.logs[letter.log].watermark.index < letter.index:
        return "changes before it in its log are not done yet: push first"
    return None


def _queue(journal: Journal, letters: Iterable[OpenLetter], options: LineOptions) -> None:
    queue = RetryQueue(journal.ledger.queue.values(), journal.ledger.next_number)
    with _Portions(journal.commit) as portions:
        for found in letters:
            change = _change(found.letter, options)
            assert isinstance(change, Change), found
            portions.add(queue.put(found, queued_again(found, change)), len(change.raw))


def _unfit(letter: DeadLetter, options: LineOptions) -> str | None:
    """Return why the letter's line cannot be sent under the config as it is now; None
    where it can.
    """
    change = _change(letter, options)
    return (
        f"{change}; append a corrected line to the log, and drop this letter"
        if isinstance(change, str)
        else None
    )


def _change(letter: DeadLetter, options: LineOptions) -> Change | str:
    """The change that the letter's line asks for under the config as it is now, or why
    there is none.
    """
    place = LinePlace(letter.log, letter.index, letter.line, 0, b"", letter.id)
    parsed = parse(letter.change.encode(), place, options)
    if not isinstance(parsed, Change):
        return (
            "still not a valid change:"
            f" {getattr(parsed, 'reason', 'an annotation that is not the user’s to send')}"
        )
    if parsed.verb == "post" and not letter.id:
        return "a post without id, whose id cannot be made again"
    return parsed


@dataclass(slots=True)
class DropResult:
    """What a drop came to."""

    dropped: int = 0


def drop(folder: Path, selector: Selector) -> DropResult:
    """Close letters for good: they count as ignored from then on.

    Raises StateError, UsageError.
    """
    result = DropResult()
    journal = Journal.open(folder, None)
    try:
        ledger = journal.ledger
        letters = selector.select(
            by_present_names(open_letters(folder / FILE, ledger.dead_size), ledger), ledger, folder
        )
        with _Portions(journal.commit) as portions:
            # All places first: where one is not there, nothing is dropped at all.
            for found in list(letters) if selector.places else letters:
                portions.add(dropped(found.number, found.letter), 0)
                result.dropped += 1
    finally:
        journal.close()
    return result


class _Portions:
    """Facts to the journal, some thousand letters a commit."""

    def __init__(self, commit: Callable[[Sequence[Fact]], None]) -> None:
        self._commit = commit
        self._facts: list[Fact] = []
        self._letters = 0
        self._bytes = 0

    def add(self, facts: Sequence[Fact], size: int) -> None:
        """Facts that are true together, with lines of `size` bytes."""
        if self._letters >= COMMIT_LETTERS_MAX or (
            self._letters and self._bytes + size > COMMIT_BYTES_MAX
        ):
            self._flush()
        self._facts += facts
        self._letters += 1
        self._bytes += size

    def _flush(self) -> None:
        self._commit(self._facts)
        self._facts, self._letters, self._bytes = [], 0, 0

    def __enter__(self) -> _Portions:
        return self

    def __exit__(self, error: object, *_: object) -> None:
        if error is None:
            self._flush()
