"""Changes as a source hands them over: in chunks, each with the place it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

Verb = Literal["post", "merge", "overwrite", "remove", "delete", "delete_input"]
"""One request kind a verb: a patch's verb is its action; `delete_input` deletes every
annotation of an input.
"""

PATCHES: frozenset[Verb] = frozenset(("merge", "overwrite", "remove"))

READ_BACK: frozenset[Verb] = PATCHES | {"post"}
"""Verbs whose effect can be seen at the remote.
A delete in doubt is simply sent again.
"""

OF_THE_SERVICE = frozenset(
    (
        "created_at",
        "modified_at",
        "consensus_info",
        "trusted",
        "worker",
        "input_level",
        "model_version_id",
        "user_id",
    )
)
"""Members of an annotation that the service sets: nobody sends them."""

Key = tuple[str, str]
"""(input_id, annotation id): the unit of ordering.
The id is empty for a whole-input delete.
"""


class Change(msgspec.Struct, eq=False, gc=False):
    """One change of a log, valid, with the line that it was read from.

    The annotation as it will be sent is a slice of the line if possible, so that a
    change holds its bytes once.
    """

    log: int
    """The log's number within the state."""
    index: int
    """0-based position among the log's non-blank lines."""
    line: int
    """1-based line number, blank lines counted."""
    verb: Verb
    input_id: str
    id: str
    raw: bytes
    """The line as read, without its line ending."""
    at: int = 0
    to: int = 0
    """`raw[at : len(raw) + to]` is the annotation as it will be sent (`to` is zero or
    negative).
    """
    written: bytes | None = None
    """The annotation as it will be sent, where it is not a slice of the line (an id was
    added, fields left out).
    """
    expect: str = ""
    """Digest of the annotation that it was planned against; empty: it goes unseen."""

    @property
    def key(self) -> Key:
        """(input_id, id)."""
        return (self.input_id, self.id)

    @property
    def body(self) -> bytes:
        """The annotation object's JSON, byte for byte as it goes on the wire.

        Meaningless for deletes.
        """
        if self.written is not None:
            return self.written
        return self.raw[self.at : len(self.raw) + self.to]

    @property
    def op(self) -> str:
        """The op as users write it: post, patch or delete."""
        if self.verb in PATCHES:
            return "patch"
        return "delete" if self.verb == "delete_input" else self.verb


class BadLine(msgspec.Struct, frozen=True):
    """A line that can never be sent: it becomes a dead letter with this reason."""

    log: int
    index: int
    line: int
    raw: bytes
    """The line as read; cut after 16 MiB."""
    reason: str
    op: str | None = None
    input_id: str | None = None
    id: str | None = None


class IgnoredLine(msgspec.Struct, frozen=True):
    """A bare line that is not the user's to send (input-level, or made by a model):
    counted, never sent.
    """

    log: int
    index: int
    line: int
    raw: bytes


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """A place between two lines of a log from which reading can be taken up."""

    index: int = 0
    """Changes before this place (bad and ignored lines counted, blank lines not)."""
    offset: int = 0
    """Bytes before this place, in the uncompressed log."""
    line: int = 0
    """Lines before this place, blank ones counted."""
    crc: int = 0
    """crc32 of all bytes before this place; 0 if the source has no checksum."""
    cursor: str = ""
    """The source's own name of this place, if it is not a file."""
    bom_bytes: int = 0
    """Those of the bytes before this place that are byte-order marks: ids that are made
    do not count them.
    """


class Chunk(msgspec.Struct):
    """Some hundreds of neighbouring lines of one log, in order, already sorted by
    kind.
    """

    log: int
    changes: Sequence[Change]
    bad: list[BadLine]
    ignored: list[IgnoredLine]
    end: Mark
    """Where the next chunk starts. A chunk may hold no change at all (blank lines)."""
    identity: LogIdentity | None = None
    """What is now known of the log's file, where that is more than before."""
    written_at: float = 0.0
    """When the first of its lines was written, in seconds since 1970; 0: not known."""

    @property
    def count(self) -> int:
        """Non-blank lines in this chunk."""
        return len(self.changes) + len(self.bad) + len(self.ignored)


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """The facts that a file system gives of a file. Times are nanoseconds since
    1970.
    """

    device: int
    """0: not known, as in states of older versions."""
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    birth_ns: int = 0
    """When it was created; 0 where the file system does not say."""

    @property
    def file(self) -> tuple[int, int, int]:
        """Device, inode and birth: the same for as long as the file exists, by any
        name. An inode alone is given to another file later.
        """
        return self.device, self.inode, self.birth_ns

    def is_untouched(self, now: Stamp) -> bool:
        """Whether `now` is the same file, neither written to nor renamed since."""
        same_device = not self.device or self.device == now.device
        return same_device and (self.inode, self.size, self.mtime_ns, self.ctime_ns) == (
            now.inode,
            now.size,
            now.mtime_ns,
            now.ctime_ns,
        )

    def is_renamed(self, now: Stamp) -> bool:
        """Whether `now` is the same file, not written to since, by any name."""
        known = self.birth_ns > 0 and (*self.file, self.size, self.mtime_ns)
        return known == (*now.file, now.size, now.mtime_ns)


FEED = "source:"
"""Begins the name of a user's source, which stands where a file's path would."""
INBOX = "inbox:"
"""The same of a spool."""


class LogIdentity(msgspec.Struct, frozen=True, array_like=True):
    """The marks by which logs differ, and an untouched log from one whose applied part
    must be checked.
    """

    path: str
    """Absolute path, without links; for stdin the path of its spool file.
    What is not a file has its name here.
    """
    label: str
    """The name users see: the path as they gave it, or `-`."""
    head: str
    """Hash of the first line (see `sources.identity`); another once it was replaced."""
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    device: int = 0
    birth_ns: int = 0
    end: int = -1
    """How many bytes it holds, uncompressed, while its stamp is this; -1: unknown."""
    was: str = ""
    """The path that it had before it was rotated; empty where it was not."""
    twin: Stamp | None = None
    """The compressed (or uncompressed) file beside it that held the same, or less."""

    @classmethod
    def of(
        cls,
        path: str,
        label: str,
        head: str,
        stamp: Stamp,
        *,
        was: str = "",
        twin: Stamp | None = None,
    ) -> LogIdentity:
        """A log whose end is not known yet."""
        times = (stamp.mtime_ns, stamp.ctime_ns)
        file = (stamp.inode, stamp.size, *times, stamp.device, stamp.birth_ns)
        return cls(path, label, head, *file, was=was, twin=twin)

    @property
    def is_file(self) -> bool:
        """Whether it is a file; other sources have a name instead of a path."""
        return not self.path.startswith((FEED, INBOX))

    @property
    def is_inbox(self) -> bool:
        """Whether the state itself keeps what is in it."""
        return self.path.startswith(INBOX)

    @property
    def stamp(self) -> Stamp:
        """Of its file when it was last looked at."""
        return Stamp(
            self.device, self.inode, self.size, self.mtime_ns, self.ctime_ns, self.birth_ns
        )
