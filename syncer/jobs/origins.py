"""From the configuration and a selection to where a pull reads from, and to the lane
that writes it somewhere.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import msgspec

from syncer.config import Loaded
from syncer.core.ports.pull import Layout
from syncer.errors import UsageError
from syncer.jobs.clarifai import app
from syncer.jobs.limiters import Limiters
from syncer.jobs.pull import PullLane
from syncer.jobs.pull_parts import pull_parts
from syncer.jobs.streams import standard_output
from syncer.jobs.ways import transport
from syncer.jobs.wiring import Origin
from syncer.remotes.annotell import (
    Asks,
    ChangeListing,
    DocumentSelection,
    ProjectListing,
    index,
    listing,
    neighbours,
)
from syncer.remotes.annotell.documents import DocumentKey
from syncer.remotes.annotell.layout import DocumentLayout
from syncer.remotes.clarifai.layout import AnnotationLayout, InputsLayout
from syncer.remotes.clarifai.listing import AnnotationListing
from syncer.remotes.clarifai.selection import Selection
from syncer.sinks.choose import STDOUT, output_format, output_sink
from syncer.transport.http import HttpTransport
from syncer.transport.oauth import OAuthTransport

UNITS_AHEAD_MAX = 256
"""Groups of inputs fetched or waiting to be written: enough to keep any rate busy; the
engine bounds them by their bytes, too.
"""


def layout_of(selection: Selection | DocumentSelection) -> Layout:
    """The columns of what a selection selects."""
    if isinstance(selection, DocumentSelection):
        return DocumentLayout()
    return InputsLayout() if selection.with_inputs else AnnotationLayout()


def clarifai_origin(loaded: Loaded, limiters: Limiters, selection: Selection) -> Origin:
    """The annotations of the configured app.

    Raises UsageError where the configuration does not do.
    """
    remote, clarifai = app(loaded, limiters), loaded.config.clarifai
    chosen = msgspec.json.encode(selection).decode()
    return Origin(
        listing=AnnotationListing(clarifai.user_id, clarifai.app_id, selection),
        layout=layout_of(selection),
        api=remote.transport,
        pace=remote.pace,
        concurrency=loaded.config.push.concurrency,
        storage=None,
        storage_concurrency=1,
        retry=loaded.config.retry,
        units_ahead_max=UNITS_AHEAD_MAX,
        credentials=remote.credentials,
        name=(
            f"annotations of {clarifai.base_url} user {clarifai.user_id} app {clarifai.app_id}:"
            f" {chosen}"
        ),
        address=remote.address,
        settings=remote.settings,
        probe=remote.probe,
    )


DOCUMENT_UNITS_AHEAD_MAX = 6
"""Units of up to 16 documents of perhaps 10 MB: enough to keep 32 under way."""


def annotell_origin(
    loaded: Loaded,
    limiters: Limiters,
    selection: DocumentSelection,
    known: Mapping[DocumentKey, str] | None = None,
) -> Origin:
    """Annotations of Annotell or Kognic. `known`: of an earlier pull, `created` by
    (input uuid, type): then only what has changed since.

    Raises UsageError where the configuration or the selection does not do.
    """
    annotell = loaded.config.annotell
    documents = listing(selection, annotell.flavour, annotell.base_url)
    if known is not None:
        if not isinstance(documents, ProjectListing):
            raise UsageError("--changed-since works for a project or a batch: give --project")
        if any(not annotation_type for _, annotation_type in known):
            raise UsageError(
                "--changed-since: the earlier pull holds documents without an annotation type, so"
                " it was not made with --project"
            )
        documents = ChangeListing(documents, known)
    credentials = loaded.annotell_credentials()
    if credentials is None:
        raise UsageError(
            f"no credentials for [annotell] flavour = {annotell.flavour!r}: set"
            f" {annotell.flavour.upper()}_CREDENTIALS (a file),"
            f" {annotell.flavour.upper()}_CLIENT_ID and {annotell.flavour.upper()}_CLIENT_SECRET,"
            " or [annotell] credentials"
        )

    def http(base_url: str | None) -> HttpTransport:
        return transport(loaded, "annotell", base_url)

    chosen = msgspec.json.encode(selection).decode() + (
        ""
        if known is None
        else f" changed since {_digest(msgspec.json.encode(sorted(known.items())))}"
    )
    return Origin(
        listing=documents,
        layout=layout_of(selection),
        api=OAuthTransport(
            api=http(annotell.base_url),
            auth=http(annotell.auth_url),
            tokens=limiters.tokens(
                annotell.auth_url, credentials.client_id, credentials.client_secret
            ),
            elsewhere=http(None),
            other_hosts=neighbours(annotell.base_url),
        ),
        pace=limiters.lane(
            annotell.base_url, (f"client {credentials.client_id}",), annotell.requests_per_second
        ),
        concurrency="auto",
        storage=http(None),
        storage_concurrency=annotell.concurrency,
        retry=loaded.config.retry,
        units_ahead_max=DOCUMENT_UNITS_AHEAD_MAX,
        credentials=(
            f"{annotell.flavour.upper()}_CREDENTIALS, {annotell.flavour.upper()}_CLIENT_ID and"
            " _SECRET, or [annotell] credentials"
        ),
        name=f"annotations of {annotell.flavour} at {annotell.base_url}: {chosen}",
        address=annotell.base_url,
        settings="[annotell] base_url and flavour",
        probe=Asks.probe(),
    )


def read_known_documents(path: Path) -> dict[DocumentKey, str]:
    """Return what an earlier pull to this JSONL file holds.

    Raises UsageError if it is not one.
    """
    open_ = gzip.open if path.name.endswith(".gz") else open
    try:
        with open_(path, "rb") as file:
            return index(file)
    except OSError as error:
        raise UsageError(
            f"the earlier pull {path} cannot be read: {error.strerror or error}"
        ) from None
    except (msgspec.DecodeError, EOFError, zlib.error) as error:
        raise UsageError(
            f"{path} is not a JSONL file of an earlier annotell pull: {error}"
        ) from None


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=6).hexdigest()


@contextmanager
def open_pull(
    loaded: Loaded, origin: Origin, out: str, format_: str | None, *, state: Path | None
) -> Iterator[PullLane]:
    """A lane from an origin to a path, or to standard output, its parts open while the
    block lasts. `state`: None for a folder of the job's own within the configured one.

    Raises UsageError for an output that cannot be, StateError, OutputError.
    """
    place = out if out == STDOUT else str(Path(out).absolute())
    job = f"{origin.name} as {output_format(out, format_)} to {place}"
    folder = (
        state
        if state is not None
        else Path(loaded.config.state.dir) / f"pull-{_digest(job.encode())}"
    )
    sink = output_sink(out, origin.layout, format_, stdout=standard_output(), work=folder)
    path = None if out == STDOUT else Path(out)
    with pull_parts(origin, sink, job=job, state=folder, path=path) as parts:
        yield PullLane(parts, out=out)
