"""SIGINT and SIGTERM of this process: one owner, from the first line of `main` to the
end of the interpreter.

    the process            the first signal               the next one
    starts, reads, asks    raises KeyboardInterrupt       is the system's: it ends the
                           or Terminated                  process as it stands
    runs an event loop     goes to the listener, from     too, or the system's: as the
                           within the loop                listener wants it
    says how it ended      changes nothing                is the system's
    is over                changes nothing                changes nothing

One handler serves all of it, and what it does hangs on one attribute: at every moment
someone handles a signal. What would break where an exception is raised in its midst is
done within `deferring`: event loops, and the start of modules in C. Where one
would go nowhere (the end of an object, a callback of a weak reference), the signal
comes once more, by SIGALRM.

SIGHUP ends nothing once a command has asked for it: it waits for the one that listens.
Until then it is the system's.
"""

from __future__ import annotations

import signal
import sys
from _thread import get_ident  # what `threading` has, without its import
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AGAIN_SECONDS = 0.001
"""From an exception that went nowhere to the next one: longer than a callback takes."""
Start = Callable[[ExtensionFileLoader, object], object]
"""A step of the import of a module in C."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came where nothing drains: stop as Ctrl-C does."""


class Interrupted(KeyboardInterrupt):
    """SIGINT came where nothing drains.

    A class of our own: where a KeyboardInterrupt itself leaves code that came as text
    (`exec`, as data classes are made), Python remembers it, and ends the process by the
    signal in the end, even if it was caught meanwhile and an exit code was asked for.
    """


def stop_by(number: int) -> KeyboardInterrupt:
    """Return what a signal raises where nobody listens."""
    return Terminated() if number == signal.SIGTERM else Interrupted()


class Owner:
    """Decides what a signal does.

    Until `own`, and so in a notebook or a test, it leaves them all alone.
    """

    def __init__(self) -> None:
        self._owned = False
        self._raises = True
        self._stands = False
        self._patience = 1  # after this many more, signals are the system's
        self._came: deque[int] = deque()  # those that nobody has taken yet
        self._listener: Callable[[int], None] | None = None
        self._hears_hangups = False
        self._hung_up = False  # several that nobody has taken are one
        self._hangup_listener: Callable[[], None] | None = None

    def own(self) -> None:
        """Take the signals of this process, for good. Call it from the main thread."""
        self._owned = True
        for each in SIGNALS:
            signal.signal(each, self._handle)
        signal.signal(signal.SIGALRM, self._handle_again)
        sys.unraisablehook = self._take_back

    def defer_in_extensions(self) -> None:
        """Let no signal raise while a module in C starts, for good: it may import
        others, and crash where that fails (orjson does).
        """
        loader, main = ExtensionFileLoader, get_ident()

        def make_deferring(start: Start) -> Start:
            def start_whole(itself: ExtensionFileLoader, what: object) -> object:
                if get_ident() != main:  # no signal is handled there
                    return start(itself, what)
                with self.deferring():
                    return start(itself, what)

            return start_whole

        for name in ("create_module", "exec_module"):
            setattr(loader, name, make_deferring(getattr(loader, name)))

    def hear_hangups(self) -> None:
        """Take SIGHUP, too, for good. Call it from the main thread."""
        if self._owned:
            self._hears_hangups = True
            signal.signal(signal.SIGHUP, self._note_hangup)

    def hold(self) -> None:
        """The outcome stands: from now on no signal is a reason to say less, or to end
        with another code.
        """
        self._stands, self._raises, self._patience = True, False, 1

    def finish(self) -> None:
        """The outcome is known to the caller, too.

        The interpreter's end takes a while, and nothing changes the exit code any more.
        """
        if self._owned:
            hangups = [signal.SIGHUP] if self._hears_hangups else []
            for each in (*SIGNALS, signal.SIGALRM, *hangups):
                signal.signal(each, signal.SIG_IGN)

    @contextmanager
    def deferring(self) -> Iterator[None]:
        """Around what must not be left in its midst: signals wait, in an event loop for
        a listener within. At its end one that nobody took is raised, unless the outcome
        stands.

        An exception in the midst of an event loop's own code would leave it, and all
        that it holds, in disorder.
        """
        raises, self._raises = self._raises, False
        try:
            yield
        finally:
            self._raises = raises and not self._stands
        if self._raises and self._came:
            raise stop_by(self._came.popleft())

    @contextmanager
    def listening(
        self,
        tell: Callable[[int], None],
        *,
        patience: int = 1,
        hang_up: Callable[[], None] | None = None,
    ) -> Iterator[None]:
        """Within an event loop: call `tell` with the number of each signal, also with
        one that came before, from a callback of the loop; and `hang_up` at SIGHUP, once
        for all that came since the last call.

        After `patience` signals the next one is the system's. Blocks may be nested: the
        innermost one listens.
        """
        if not self._owned:
            yield
            return
        before = self._listener, self._hangup_listener
        self._listener, self._hangup_listener = tell, hang_up
        self._patience, self._stands = patience, False
        try:
            with _woken(self._tell):
                self._tell()
                yield
        finally:
            self._listener, self._hangup_listener = before
            self._tell()  # what came in the last moment

    def _tell(self) -> None:
        while self._came and self._listener is not None and not self._stands:
            self._listener(self._came.popleft())
        if self._hung_up and self._hangup_listener is not None and not self._stands:
            self._hung_up = False
            self._hangup_listener()

    def _note_hangup(self, number: int, frame: FrameType | None) -> None:
        self._hung_up = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._patience -= 1
        if self._patience <= 0:
            for each in SIGNALS:
                signal.signal(each, signal.SIG_DFL)
        if self._raises:
            raise stop_by(number)
        self._came.append(number)

    def _take_back(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Of an exception that was raised where Python can only print it and go on."""
        stopped = unraisable.exc_value
        if not isinstance(stopped, Terminated | Interrupted):
            sys.__unraisablehook__(unraisable)
            return
        by = signal.SIGTERM if isinstance(stopped, Terminated) else signal.SIGINT
        self._came.append(by)
        # not now: this hook is of the same kind
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)

    def _handle_again(self, number: int, frame: FrameType | None) -> None:
        if self._raises and self._came:
            raise stop_by(self._came.popleft())


@contextmanager
def _woken(wake: Callable[[], None]) -> Iterator[None]:
    """Call `wake` from within the event loop after each signal, in any thread that the
    system interrupts for it.
    """
    # not at the top: until signals are owned, nothing is imported that takes time
    import asyncio
    import socket

    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)

        def read() -> None:
            ours.recv(4096)
            wake()

        loop.add_reader(ours, read)
        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before, warn_on_full_buffer=False)
            loop.remove_reader(ours)


_owner = Owner()
own, hold, finish = _owner.own, _owner.hold, _owner.finish
defer_in_extensions = _owner.defer_in_extensions
hear_hangups = _owner.hear_hangups
deferring, listening = _owner.deferring, _owner.listening
