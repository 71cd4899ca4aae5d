"""What schemathesis has to know beside the description of the endpoints: the lines of
change logs, and what no answer may hold.

The token of the daemon, and that of the remote, are in the environment.
"""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis
from hypothesis import strategies as st

SECRETS = [os.environ[name] for name in ("SYNCER_DAEMON_TOKEN", "CLARIFAI_PAT")]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=8,
)


def or_any(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Give mostly what is meant, else any JSON."""
    return st.one_of(strategy, strategy, strategy, JSON)


ANNOTATION = st.fixed_dictionaries(
    {"input_id": or_any(st.sampled_from(["i", "j"]))},
    optional={
        "id": or_any(st.sampled_from(["a", "b", "c"])),
        "data": or_any(st.builds(lambda value: {"metadata": {"is": value}}, JSON)),
    },
)
CHANGE = st.fixed_dictionaries(
    {"op": or_any(st.sampled_from(["post", "patch", "delete"])), "annotation": or_any(ANNOTATION)},
    optional={"action": or_any(st.sampled_from(["merge", "overwrite", "remove"]))},
)
POST = st.builds(
    lambda input_id, id, value: {
        "op": "post",
        "annotation": {"input_id": input_id, "id": id, "data": {"metadata": {"is": value}}},
    },
    st.sampled_from(["i", "j"]),
    st.sampled_from(["a", "b", "c"]),
    st.text(max_size=5),
)
LINE = st.one_of(POST, CHANGE, CHANGE, JSON).map(lambda value: json.dumps(value).encode())
ODD = st.lists(st.one_of(LINE, LINE, LINE, st.binary(max_size=40)), max_size=5).map(b"\n".join)
LINES = st.one_of(ODD, POST.map(lambda value: json.dumps(value).encode()))

schemathesis.openapi.media_type("application/x-ndjson", LINES)


@schemathesis.check
def no_token_in_answers(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Neither the headers nor the body of an answer hold a token."""
    told = str(response.headers) + response.content.decode("utf-8", "replace")
    assert not any(secret in told for secret in SECRETS), "a token is in the answer"


@schemathesis.check
class EachIsReached:
    """Every endpoint does what it is for at least once, so that more than the ways in
    are tried. No source waits for a word.
    """

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.done: set[str] = {"POST /api/sources/{name}/resume"}

    def after_response(
        self,
        ctx: schemathesis.CheckContext,
        response: schemathesis.Response,
        case: schemathesis.Case,
    ) -> None:
        """Note who was asked, and who did it."""
        self.asked.add(case.operation.label)
        if response.status_code < 300:
            self.done.add(case.operation.label)

    def after_run(self, ctx: schemathesis.CheckContext) -> None:
        """Fail where one never did."""
        assert self.asked <= self.done, f"never done: {sorted(self.asked - self.done)}"


OPEN = ("/", "/healthz", "/readyz")


@schemathesis.check
def nothing_without_a_token(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Whoever gives no token gets nothing, but for what is open to all."""
    is_open = case.operation.path in OPEN
    assert (response.status_code == 401) != is_open, f"it answered {response.status_code}"
