"""Questions about sizes, addresses and apps; and what no question can find out."""

from __future__ import annotations

from syncer.core.ports.wire import Request
from syncer.jobs.probe import rate
from syncer.jobs.probe.scratch import Asked, Question, Scratch, known, unknown
from syncer.jobs.probe.shown import MISSING, Denied, NotClear, Shown
from syncer.remotes.clarifai.owner import ask_owner
from syncer.remotes.paths import segment

BODY_BYTES = 20_000
BODY_LIMITS = (16_384, 100)
URL_LIMITS = (8_192, 4_096)
NEVER = {
    "error-retry-after": "only an outage of the service shows it",
    "refused-code": "only a refused token shows it",
    "error-code": "only an outage of the service shows it",
    "gateway-form": "only an outage of the service shows it",
    "rate-scope": "it takes a second token of the same user",
}
"""The switches that no client can see by asking, and why."""
BEYOND_THE_LIMIT = (*rate.FORMS, rate.RULE)
WITHOUT_LIMIT = "it shows only beyond the rate limit: --find-limit goes there"


def ask_apps(scratch: Scratch) -> Asked:
    """Look into an app that nobody made."""
    user = scratch.urls.app.partition("/apps/")[0]
    path = f"{user}/apps/syncer-probe-{scratch.run}/annotations?page=1&per_page=1"
    shown = yield Request("GET", path)
    if shown.good:
        return [known("apps", "any", "an app that nobody made is there, and empty")]
    if shown.code == MISSING:
        return [known("apps", "loaded", f"an app that nobody made is missing: {shown.words()}")]
    raise NotClear(f"an app that nobody made was answered with {shown.words()}")


def ask_token_user(_: Scratch) -> Asked:
    """Ask whose token it is."""
    switch = "token-user"
    try:
        shown = yield ask_owner().request
    except Denied as denied:
        return [known(switch, "refused", f"whose token it is was refused: {denied}")]
    user = shown.body.get("user")
    if shown.good and isinstance(user, dict) and user.get("id"):
        return [known(switch, "shown", "the service says whose token it is")]
    if shown.code == MISSING:
        return [known(switch, "missing", f"whose token it is was missing: {shown.words()}")]
    raise NotClear(f"whose token it is was answered with {shown.words()}, and no id")


def ask_body(scratch: Scratch) -> Asked:
    """Send a search with blanks after it."""
    switch = "body-limit"
    shown = yield scratch.search_padded(BODY_BYTES)
    if not shown.too_large:
        return [known(switch, "none", f"a body of {BODY_BYTES:,} bytes went through")]
    for limit in BODY_LIMITS:
        within = yield scratch.search_padded(limit)
        if not within.too_large:
            beyond = yield scratch.search_padded(limit + 1)
            if beyond.too_large:
                return [known(switch, str(limit), f"bodies go through up to {limit:,} bytes")]
            break
    return [unknown(switch, f"it is below {BODY_BYTES:,} bytes, and none of the values")]


def ask_url(scratch: Scratch) -> Asked:
    """Ask with a long query that says the same many times."""
    switch = "url-limit"
    shown = yield _make_long(scratch, URL_LIMITS[0] + 1)
    if not shown.too_large:
        return [known(switch, "none", f"a URL of {URL_LIMITS[0] + 1:,} bytes went through")]
    for limit in URL_LIMITS:
        within = yield _make_long(scratch, limit)
        if not within.too_large:
            beyond = yield _make_long(scratch, limit + 1)
            if beyond.too_large:
                return [known(switch, str(limit), f"URLs go through up to {limit:,} bytes")]
            break
    return [unknown(switch, f"it is below {URL_LIMITS[0]:,} bytes, and none of the values")]


def _make_long(scratch: Scratch, size: int) -> Request:
    """Return a list whose path and query have this many bytes."""
    path = f"{scratch.urls.app}/annotations?per_page=1&page="
    repeat = "&page=1"
    room = size - len(path) - 1
    zeros, times = room % len(repeat), room // len(repeat)
    return Request("GET", f"{path}{'0' * zeros}1{repeat * times}")


def ask_path(scratch: Scratch) -> Asked:
    """Ask for an input by ways that mean the same where steps are followed."""
    scratch.require_home()
    switch, name = "url-path", segment(scratch.home)
    stepped: Shown = yield Request("GET", f"{scratch.urls.app}/nothing/../inputs/{name}")
    slashed: Shown = yield Request("GET", f"{scratch.urls.app}/inputs%2F{name}")
    if stepped.good and slashed.good:
        return [known(switch, "normalised", "steps and quoted slashes in a path are followed")]
    if not stepped.good and not slashed.good:
        return [known(switch, "kept", "steps and quoted slashes in a path are names")]
    one = "steps" if stepped.good else "quoted slashes"
    return [unknown(switch, f"{one} in a path are followed, the other is not")]


QUESTIONS_OF_THE_WAY = (
    Question(("apps",), ask_apps),
    Question(("token-user",), ask_token_user),
    Question(("body-limit",), ask_body),
    Question(("url-limit",), ask_url),
)
QUESTIONS_OF_PATHS = (Question(("url-path",), ask_path),)
