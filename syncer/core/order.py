"""The order of live changes: which of them may go, and what each one waits for.

Only the oldest change of each annotation may go. A whole-input delete (`Gate`) waits
for every earlier change of its input, and holds every later one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from itertools import chain

from syncer.core.change import Key
from syncer.core.columns import Columns, Posts, Stretch
from syncer.core.entry import Entry, Gate, Live, make_entry


class Order:
    """Give it entries (`place`), and name those that are over (`release`)."""

    def __init__(self, go: Callable[[Entry, float], None], queue: Callable[[Entry], None]) -> None:
        """`go` is called with an entry that nothing is before any more, and the time;
        `queue` with one that has to wait in the retry queue, perhaps not for the first
        time.
        """
        self._go = go
        self._queue = queue
        self._tails: dict[Key, Entry | Columns] = {}
        """The last change of each; columns stand for their only one of that key."""
        self._folded: dict[Columns, int] = {}
        """Columns that are not unfolded, and how many of them are live. No input with a
        gate is in them.
        """
        self._live: dict[str, int] = {}
        """By input: live changes before its gate, those in columns aside."""
        self._queued: dict[str, int] = {}
        """By input: those of them that are queued."""
        self._gates: dict[str, Gate] = {}

    def place(self, entry: Entry, now: float) -> None:
        """Let an entry go, or hold it behind what it has to wait for."""
        change = entry.change
        input_id = change.input_id
        gate = self._gates.get(input_id) if self._gates else None
        if gate is not None:
            gate.behind.append(entry)
            if gate.barrier.number:
                self._queue(entry)
            return
        if change.verb == "delete_input":
            self.unfold_input(input_id)
            self._gates[input_id] = Gate(entry)
            self._queue_gate(input_id)
            if input_id not in self._live:
                self._go(entry, now)
            return
        key = (input_id, change.id)
        tail = self._tails.get(key)
        if isinstance(tail, Columns):
            self.unfold(tail)
            tail = self._tails[key]
            assert isinstance(tail, Entry)
        self._tails[key] = entry
        self._live[input_id] = self._live.get(input_id, 0) + 1
        if entry.number:
            self._count_queued(input_id)
        if tail is None:
            self._go(entry, now)
            return
        tail.after = entry
        if tail.number and not entry.number:
            self._queue(entry)
            self._count_queued(input_id)

    def place_posts(self, posts: Posts) -> bool:
        """Let posts go that wait for nothing and that nothing waits for; else place
        none of them, and return False.
        """
        keys, tails = posts.keys, self._tails
        if self._gates or not tails.keys().isdisjoint(keys) or len(set(keys)) < len(keys):
            return False
        for part in posts.parts:
            tails.update(dict.fromkeys(part.keys, part.columns))
            self._folded[part.columns] = len(part)
        return True

    def unfold(self, columns: Columns) -> None:
        """Make an entry of each of these posts, unless there are; from now on they are
        ordered by those.
        """
        if columns.entries is not None:
            return
        del self._folded[columns]
        columns.entries = [make_entry(columns.change(at)) for at in range(len(columns.keys))]
        for entry, key in zip(columns.entries, columns.keys, strict=True):
            if self._tails.get(key) is columns:  # it is live
                self._tails[key] = entry
                self._live[key[0]] = self._live.get(key[0], 0) + 1

    def unfold_input(self, input_id: str) -> None:
        """Unfold all columns with posts of this input."""
        for columns in [columns for columns in self._folded if input_id in columns.inputs]:
            self.unfold(columns)

    def release_posts(self, part: Stretch) -> None:
        """These posts, which are not unfolded, are over for good."""
        for key in part.keys:
            del self._tails[key]
        left = self._folded[part.columns] - len(part)
        if left:
            self._folded[part.columns] = left
        else:
            del self._folded[part.columns]

    def queue(self, entry: Entry) -> None:
        """Queue an entry of the window, and after it all that waits for it."""
        input_id = entry.change.input_id
        follower: Entry | None = entry
        while follower is not None:
            self._queue(follower)
            if follower.change.verb != "delete_input":
                self._count_queued(input_id)
            follower = follower.after
        self._queue_gate(input_id)

    def release(self, entry: Entry, now: float) -> None:
        """This entry is over for good: what waited for it alone goes."""
        change = entry.change
        input_id = change.input_id
        if change.verb == "delete_input":
            for held in self._gates.pop(input_id).behind:
                self.place(held, now)
            return
        live = self._live[input_id] - 1
        if entry.number:
            self._less_queued(input_id)
        key = (input_id, change.id)
        if self._tails[key] is entry:
            del self._tails[key]
        else:
            assert entry.after is not None, "the tail comes after it"
            self._go(entry.after, now)
        if live:
            self._live[input_id] = live
            if self._gates:
                self._queue_gate(input_id)
            return
        del self._live[input_id]
        if self._gates and (gate := self._gates.get(input_id)) is not None:
            self._go(gate.barrier, now)

    def lift(self, inputs: Set[str], heads: Iterable[Entry]) -> list[Entry]:
        """Take inputs out: all their entries, each after what it waits for. `heads`:
        those of them that were let go.
        """
        by_input: dict[str, list[Entry]] = {input_id: [] for input_id in inputs}
        for head in heads:
            by_input[head.change.input_id].append(head)
        return [entry for one in inputs for entry in self._lift_input(one, by_input[one])]

    def _lift_input(self, input_id: str, heads: Iterable[Entry]) -> list[Entry]:
        gate = self._gates.pop(input_id, None)
        lifted: list[Entry] = []
        for head in heads:
            follower = None if head.change.verb == "delete_input" else head
            while follower is not None:
                lifted.append(follower)
                self._tails.pop((input_id, follower.change.id), None)
                follower.after, follower = None, follower.after
        assert len(lifted) == self._live.pop(input_id, 0), "one of its entries is on its way"
        self._queued.pop(input_id, None)
        return lifted if gate is None else [*lifted, gate.barrier, *gate.behind]

    def trace(self, input_id: str, sent: Sequence[Entry], let_go: Iterable[Entry]) -> list[Live]:
        """Return the live changes of an input, each after what it waits for. `sent`:
        entries that are on their way, of any input; `let_go`: those that may go.
        """
        found, last = list[Live](), None
        on_their_way = {id(entry) for entry in sent if entry.change.input_id == input_id}
        ours = (head for head in chain(sent, let_go) if head.change.input_id == input_id)
        for head in dict.fromkeys(ours):
            if head.change.verb == "delete_input":
                continue
            before: Entry | None = None
            entry: Entry | None = head
            while entry is not None:
                found.append(Live(entry, before, id(entry) in on_their_way))
                before, entry = entry, entry.after
            last = before
        if (gate := self._gates.get(input_id)) is not None:
            waits_for = last if input_id in self._live else None
            found.append(Live(gate.barrier, waits_for, id(gate.barrier) in on_their_way))
            found += [Live(held, gate.barrier, False) for held in gate.behind]
        return found

    def _queue_gate(self, input_id: str) -> None:
        """Queue a gate, and what it holds, once all that it waits for is queued.

        Not before: a restart puts the queue before the log, and what was still in the
        window would come after the gate.
        """
        gate = self._gates.get(input_id)
        if gate is None or (
            not gate.barrier.number
            and self._queued.get(input_id, 0) < max(1, self._live.get(input_id, 0))
        ):
            return
        self._queue(gate.barrier)
        for held in gate.behind:
            self._queue(held)

    def _count_queued(self, input_id: str) -> None:
        self._queued[input_id] = self._queued.get(input_id, 0) + 1

    def _less_queued(self, input_id: str) -> None:
        left = self._queued[input_id] - 1
        if left:
            self._queued[input_id] = left
        else:
            del self._queued[input_id]

    def __repr__(self) -> str:
        return f"gates={len(self._gates)}"
