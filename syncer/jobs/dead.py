"""Dead letters of a state folder: which are meant, sending them again, dropping them.

What is to be written is decided here, portion by portion, and written by the holder of
the state: a command, and the next push sends; or the committer of a lane that runs, and
the lane sends. A retry goes in log order; one that is cut short has queued the first
portions, and the same command goes on with the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

from syncer.core.change import Change
from syncer.core.facts import DeadLetter, Fact
from syncer.core.ledger import Ledger
from syncer.core.letters import OpenLetter
from syncer.core.limits import Limits
from syncer.core.retry import Portions, RetryQueue, drop_letter
from syncer.errors import StateError, UsageError
from syncer.journal.dead import DEAD_FILE, by_present_names, letter_at, open_letters
from syncer.journal.journal import Journal
from syncer.printable import as_argument
from syncer.sources.lines import LineOptions, LinePlace, parse
from syncer.sources.logs import resolve

T = TypeVar("T")

COMMIT_LETTERS_MAX = 2000
COMMIT_BYTES_MAX = 1 << 20
"""Of lines in one commit; a longer line goes alone."""


@dataclass(frozen=True, slots=True)
class LetterPlace:
    """The line that a letter is about."""

    source: str
    """The name that its log was given."""
    line: int
    path: str = ""
    """Its log may also be known by this path, which is resolved."""
    number: int | None = None
    """Of the letter: a line may have had others, and two logs may have one name."""

    @classmethod
    def parse(cls, text: str) -> LetterPlace:
        """The place that somebody calls SOURCE:LINE. Raises UsageError."""
        source, colon, line = text.rpartition(":")
        if not colon or not source or not line.isascii() or not line.isdigit():
            raise UsageError(
                f"{text!r} is not of the form SOURCE:LINE (for example changes.jsonl:7)"
            )
        return cls(source, int(line), resolve(source))

    def is_of(self, found: OpenLetter, path: str) -> bool:
        """Return whether this letter is meant, whose log has this path."""
        letter = found.letter
        return (
            self.line == letter.line
            and (self.source == letter.source or self.path == path)
            and self.number in (None, found.number)
        )

    def __str__(self) -> str:
        number = "" if self.number is None else f" (number {self.number})"
        return f"{self.source}:{self.line}{number}"


@dataclass(frozen=True, slots=True)
class Selector:
    """The letters that are meant: of places (`SOURCE:LINE`), of a code, or all."""

    places: tuple[LetterPlace, ...] = ()
    code: int | None = None
    every: bool = False

    def __post_init__(self) -> None:
        """Exactly one way to select. Raises UsageError."""
        if bool(self.places) + (self.code is not None) + self.every != 1:
            raise UsageError(
                "say which dead letters: SOURCE:LINE as `syncer dead list` shows them, or --code,"
                " or --all; one of these"
            )

    def select_open(self, folder: Path, ledger: Ledger) -> Iterator[OpenLetter]:
        """The open letters of a state that are meant.

        Raises StateError, OSError, UsageError where a place or a code has none (at the
        end).
        """
        paths = (
            {number: resolve(log.identity.path) for number, log in ledger.logs.items()}
            if self.places
            else {}
        )
        of_line = defaultdict[int, list[int]](list)
        for n, place in enumerate(self.places):
            of_line[place.line].append(n)
        matched: set[int] = set()
        count = 0
        for found in _read_open(folder, ledger):
            letter = found.letter
            if letter.log not in ledger.logs:
                continue
            if self.places:
                path = paths[letter.log]
                here = [
                    n for n in of_line.get(letter.line, ()) if self.places[n].is_of(found, path)
                ]
                matched.update(here)
                if not here:
                    continue
            elif not self.every and letter.code != self.code:
                continue
            count += 1
            yield found
        lost = [str(place) for n, place in enumerate(self.places) if n not in matched]
        if lost or (self.code is not None and not count):
            what = f"code {self.code}" if self.code is not None else ", ".join(lost)
            raise UsageError(
                f"no dead letter matches {what}; run `syncer dead list --state"
                f" {as_argument(folder)}` to see the open ones"
            )


def open_in(folder: Path, selector: Selector | None = None) -> Iterator[OpenLetter]:
    """The open letters of a state that another process may be using, oldest first: all,
    or those that are meant. Raises StateError, UsageError.
    """
    ledger, _, _ = Journal.read_only(folder)
    try:
        yield from (selector.select_open if selector else _read_open)(folder, ledger)
    except OSError as error:
        raise StateError(
            f"the state folder {folder} cannot be read: {error.strerror or error}"
        ) from None


def _read_open(folder: Path, ledger: Ledger) -> Iterator[OpenLetter]:
    return by_present_names(open_letters(folder / DEAD_FILE, ledger.dead_size), ledger)


@dataclass(frozen=True, slots=True)
class RefusedLetter:
    """A letter that was not queued, and why."""

    source: str
    line: int
    reason: str


@dataclass(slots=True)
class RetryResult:
    """The outcome of a retry."""

    queued: int = 0
    refused: int = 0
    left: int = 0
    """Selected, but more than the retry queue takes at a time: a push makes room."""


@dataclass(slots=True)
class DropResult:
    """The outcome of a drop."""

    dropped: int = 0


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


class LettersToRetry:
    """Letters that are to be queued again; superseded ones only with `force`."""

    def __init__(
        self,
        folder: Path,
        selector: Selector,
        options: LineOptions,
        refuse: Refuse = lambda _: None,
        *,
        force: bool = False,
    ) -> None:
        self.result = RetryResult()
        self._folder = folder
        self._selector = selector
        self._options = options
        self._refuse = refuse
        self._force = force

    def write(self) -> RetryResult:
        """Queue them, where nobody uses the state. Raises StateError, UsageError."""
        _write(self._folder, self.portions)
        return self.result

    def portions(self, ledger: Ledger, numbers: Iterator[int]) -> Iterator[Sequence[Fact]]:
        """Choose the letters, and give what is to be written of them, in log order.

        Raises StateError, UsageError.
        """
        chosen = sorted(self._choose(ledger), key=lambda letter: (letter.log, letter.index))
        queue = RetryQueue(ledger.queue.values(), numbers)
        for letters in _portions(map(self._with_change, chosen), lambda one: len(one[1].raw)):
            yield queue.put_back(letters)
            self.result.queued += len(letters)

    def _choose(self, ledger: Ledger) -> Iterator[_Selected]:
        room = Limits().queue_max - len(ledger.queue)
        for found in self._selector.select_open(self._folder, ledger):
            letter = found.letter
            why = _why_refused(found, ledger, force=self._force) or _unfit(letter, self._options)
            if why is not None:
                self.result.refused += 1
                self._refuse(RefusedLetter(letter.source, letter.line, why))
            elif room <= 0:
                self.result.left += 1
            else:
                room -= 1
                yield _Selected(
                    letter.log, letter.index, found.number, found.superseded, found.offset
                )

    def _with_change(self, one: _Selected) -> tuple[OpenLetter, Change]:
        letter = letter_at(self._folder / DEAD_FILE, one.offset)
        change = _change(letter, self._options)
        assert isinstance(change, Change), letter
        return OpenLetter(one.number, letter, one.superseded), change


class LettersToDrop:
    """Letters that are to be closed for good: they count as ignored from then on."""

    def __init__(self, folder: Path, selector: Selector) -> None:
        self.result = DropResult()
        self._folder = folder
        self._selector = selector

    def write(self) -> DropResult:
        """Close them, where nobody uses the state. Raises StateError, UsageError."""
        _write(self._folder, self.portions)
        return self.result

    def portions(self, ledger: Ledger, _: Iterator[int]) -> Iterator[Sequence[Fact]]:
        """Choose the letters, and give what is to be written of them.

        Raises StateError, UsageError.
        """
        found = self._selector.select_open(self._folder, ledger)
        # All places first: where one is not there, nothing is dropped at all.
        for letters in _portions(list(found) if self._selector.places else found, lambda _: 0):
            yield [fact for one in letters for fact in drop_letter(one.number, one.letter)]
            self.result.dropped += len(letters)


def _write(folder: Path, portions: Portions) -> None:
    with closing(Journal.open(folder, None)) as journal:
        ledger = journal.ledger
        for facts in portions(ledger, count(ledger.next_number)):
            journal.commit(facts)


def _portions(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """The items, as many at a time as one commit takes."""
    portion: list[T] = []
    total_bytes = 0
    for item in items:
        item_bytes = size(item)
        if len(portion) >= COMMIT_LETTERS_MAX or (
            portion and total_bytes + item_bytes > COMMIT_BYTES_MAX
        ):
            yield portion
            portion, total_bytes = [], 0
        portion.append(item)
        total_bytes += item_bytes
    if portion:
        yield portion


def _why_refused(found: OpenLetter, ledger: Ledger, *, force: bool) -> str | None:
    """Return why a letter may not be queued, regardless of its line; None: it may
    be.
    """
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
    nothing can be sent.
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
