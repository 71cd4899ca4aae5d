"""The user whose token it is, as far as the service tells it.

`GET /v2/users/me` is GetUser of the protos (clarifai-grpc 12.6.0), which takes personal
tokens only; that `me` is the token's owner is said of `user_app_id`. What a service
answers there was seen by nobody here.
"""

from __future__ import annotations

import msgspec

from syncer.core.outcome import Halt, Refused, Throttled
from syncer.core.ports.pull import Ask, Done, Units
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.remotes.clarifai.answers import Said, failure, read
from syncer.remotes.clarifai.codes import Meaning, meaning, number
from syncer.remotes.flows import one
from syncer.remotes.replies import good, no_reply

PASSING = (408, 425, 429)
"""HTTP statuses of the client's side that say nothing for good."""


class UserId(msgspec.Struct, gc=False):
    """A user, as far as syncer is to know one."""

    id: str | None = None


class ShownUser(Said, gc=False):
    """`SingleUserResponse`."""

    user: UserId | None = None


_DECODER = msgspec.json.Decoder(ShownUser)


class TokenOwner:
    """The owner of a token, known once it was asked for: it has no units.

    Implements `syncer.core.ports.pull.Listing`.
    """

    repeats = False

    def __init__(self, app: Ask[object]) -> None:
        """`app`: a question that is answered if address, app and token are right."""
        self.id = ""
        """The id of the user; "" where the service does not tell it."""
        self.reason = ""
        """Why it does not."""
        self._app = app

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Ask for it. Where it is not told, the app is asked, too: what is wrong with
        the address or the token is an error of its own.
        """
        answer = yield from one(ask_owner())
        if isinstance(answer, Refused):
            yield from one(self._app)
            self.reason = answer.reason
        else:
            self.id = answer


def ask_owner() -> Ask[str]:
    """Return the question whose token it is; it is answered with the id of a user."""
    return Ask(Request("GET", "/v2/users/me"), read_owner)


def read_owner(reply: Reply | NoReply) -> str | LookUpFailure:
    """Return the id of the user. Refused: the service does not tell it, be it that it
    has no such address, or that the token may not ask.
    """
    if isinstance(reply, NoReply):
        return no_reply(reply)
    answer = read(reply, _DECODER)
    if isinstance(answer, tuple):
        shown, status = answer
        if meaning(number(status.code)) is Meaning.OK and good(reply):
            id = None if shown.user is None else shown.user.id
            return id or Refused("the answer names no user")
        failed = failure(status, reply, settles=False)
    else:
        failed = answer
    if isinstance(failed, Refused) or (isinstance(failed, Halt) and failed.kind == "credentials"):
        return Refused(failed.reason)
    is_for_good = 400 <= reply.status < 500 and reply.status not in PASSING
    if is_for_good and not isinstance(failed, Halt | Throttled):
        return Refused(failed.reason)
    return failed
