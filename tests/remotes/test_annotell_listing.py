"""Lists of a project's annotations, their documents and their cursors, from the
fixtures and from made-up answers.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.ports.pull import Listing, Problem
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.errors import Stopped
from syncer.remotes.annotell import DocumentSelection, listing
from syncer.remotes.annotell.selection import Flavour
from tests.support import annotell
from tests.support.driving import Driver, NoAnswer, parts_of, problems_of, rows_of

BASE = "https://input.annotell.com"
SEARCH = "/v1/annotations/projects/project-a/annotation-type/signs/search"
STORAGE = "https://storage.googleapis.com/"
BY_TARGET = {
    (entry["method"], entry["target"]): entry
    for entry in annotell.INDEX
    if entry["server"] == "api"
}
Answer = Callable[[Request], Reply | NoReply]


def ok(value: Any) -> Reply:
    return Reply(200, json.dumps(value).encode())


def from_fixtures(request: Request) -> Reply:
    """The fixture of a request; a signed URL's document."""
    if request.path.startswith(STORAGE):
        return Reply(200, (annotell.FIXTURES / annotell.document_of(request.path)).read_bytes())
    entry = BY_TARGET.get((request.method, request.path))
    if entry is None:
        return Reply(404, b'{"message":"Not found"}')
    assert entry["request_body"] is None or json.loads(request.body or b"") == entry["request_body"]
    return Reply(
        entry["status"],
        (annotell.FIXTURES / entry["file"]).read_bytes(),
        entry["headers"].get("Retry-After"),
    )


def selected(flavour: Flavour = "annotell", **selection: Any) -> Listing:
    return listing(DocumentSelection(**selection), flavour, BASE)


def of_project(**selection: Any) -> Listing:
    return selected(project="project-a", annotation_types=("signs",), **selection)


class Service:
    """A project of one type, made up: so many documents, pages of so many, and what
    goes wrong.
    """

    def __init__(self, documents: int = 40, page: int = 100) -> None:
        self.ids = [f"u-{number:03}" for number in range(documents)]
        self.page = page
        self.types = ["signs"]
        self.stale: set[str] = set()
        """Whose next URL has expired when it is given."""
        self.signed = 0
        self.gone: set[str] = set()

    def __call__(self, request: Request) -> Reply:
        url = urlsplit(request.path)
        if url.netloc:
            uuid = url.path.rpartition("/")[2].removesuffix(".json")
            return (
                Reply(400, b"<Error/>")
                if "stale" in url.query
                else ok({"openlabel": {"metadata": {"uuid": f"d-{uuid}"}}})
            )
        if url.path.endswith("/annotation-types"):
            return ok({"data": self.types})
        if "/annotations/inputs/" in url.path:
            uuid = url.path.split("/")[4]
            content = {"openlabel": {"by": "itself"}}
            found = {
                "data": {
                    "inputUuid": uuid,
                    "annotationType": "signs",
                    "created": "t",
                    "content": content,
                }
            }
            return (
                ok(found)
                if uuid in self.ids and uuid not in self.gone
                else Reply(404, b'{"message":"gone"}')
            )
        start = int(parse_qs(url.query).get("cursorId", ["0"])[0])
        rows = [uuid for uuid in self.ids if uuid not in self.gone][start : start + self.page]
        following = start + self.page if start + self.page < len(self.ids) else None
        return ok(
            {"data": [self.partial(uuid) for uuid in rows], "metadata": {"nextCursorId": following}}
        )

    def partial(self, uuid: str) -> dict[str, str]:
        self.signed += 1
        stale = "&stale" if uuid in self.stale else ""
        self.stale.discard(uuid)
        uri = f"{STORAGE}{uuid}.json?X-Goog-Signature=secret-{self.signed}{stale}"
        return {
            "inputUuid": uuid,
            "annotationType": "signs",
            "created": "2022-05-12T12:20:49Z",
            "uri": uri,
        }


# --- pages ----------------------------------------------------------------------------


def test_the_fixtures_pages_become_lines_with_the_documents_bytes_untouched() -> None:
    driver = Driver(from_fixtures)
    rows = rows_of(driver.pulled(of_project()))
    partials = [
        partial for page in annotell.SEARCH_PAGES for partial in annotell.read(page)["data"]
    ]
    assert [row.key for row in rows] == [(partial["inputUuid"], "signs") for partial in partials]
    for row, partial in zip(rows, partials, strict=True):
        stored = (annotell.FIXTURES / annotell.document_of(partial["uri"])).read_bytes()
        line = json.loads(row.line)
        assert row.line.endswith(b',"content":' + stored + b"}")
        assert list(line) == [
            "input_uuid",
            "annotation_type",
            "created",
            "annotation_id",
            "content",
        ]
        assert (line["input_uuid"], line["created"]) == (partial["inputUuid"], partial["created"])
        assert line["annotation_id"] == line["content"]["openlabel"]["metadata"]["uuid"]
    pages = [asked for asked in driver.asked if "/v1/" in asked]
    # Until two passes agree.
    assert (
        pages
        == [
            f"GET {SEARCH}",
            f"GET {SEARCH}?cursorId=183002",
            f"GET {SEARCH}?cursorId=183004",
        ]
        * 2
    )


def test_a_list_in_one_answer_is_taken_where_there_is_no_search() -> None:
    def before_search(request: Request) -> Reply:
        return Reply(405, b"") if request.path.endswith("/search") else from_fixtures(request)

    driver = Driver(before_search)
    assert len(rows_of(driver.pulled(of_project()))) == 3
    assert driver.asked[:2] == [f"GET {SEARCH}", f"GET {SEARCH.removesuffix('/search')}"]


@pytest.mark.parametrize(
    "shape",
    [
        lambda page: page["data"],
        lambda page: {"data": page["data"]},
        lambda page: {**page, "metadata": {}},
    ],
)
def test_a_page_without_metadata_is_the_last(shape: Callable[[Any], Any]) -> None:
    def answer(request: Request) -> Reply:
        return (
            ok(shape(annotell.read("v1_project_annotations_search_page1.json")))
            if "/v1/" in request.path
            else from_fixtures(request)
        )

    assert len(rows_of(Driver(answer).pulled(of_project()))) == 2


def test_all_types_of_a_project_are_listed_where_none_is_named() -> None:
    service = Service(2)
    service.types = ["signs", "objects", "signs"]
    driver = Driver(service)
    driver.pulled(selected(project="project-a"))
    lists = [asked for asked in driver.asked if "/v1/" in asked]
    assert lists[0] == "GET /v1/projects/project-a/annotation-types"
    assert lists[1:] == [f"GET {SEARCH.replace('signs', kind)}" for kind in ("objects", "signs")]


def test_a_batch_and_names_of_any_characters_stand_quoted_in_the_path() -> None:
    driver = Driver(Service(1))
    name = "a/b?c#d é%"
    driver.pulled(selected(project=name, batch=name, annotation_types=(name,)))
    quoted = quote(name, safe="")
    assert (
        driver.asked[0]
        == f"GET /v1/annotations/projects/{quoted}/batch/{quoted}/annotation-type/{quoted}/search"
    )
    driver.pulled(selected(project=name, batch=name))
    assert f"GET /v1/projects/{quoted}/batches/{quoted}/annotation-types" in driver.asked


def test_kognics_iso_cuboids_are_asked_for_on_every_page() -> None:
    driver = Driver(Service(3, page=1))
    driver.pulled(
        selected("kognic", project="project-a", annotation_types=("signs",), iso_cuboids=True)
    )
    lists = [asked for asked in driver.asked if "/v1/" in asked]
    assert len(lists) == 6
    assert all("useDefaultCartesian=true" in asked for asked in lists)


def test_a_list_that_the_service_refuses_ends_the_pull_in_its_words() -> None:
    with pytest.raises(
        Stopped,
        match=(
            r"type object: HTTP 400: Validation failed: Invalid annotation type sent: object\."
            r" Allowed values"
        ),
    ):
        Driver(from_fixtures).pulled(selected(project="project-a", annotation_types=("object",)))


def test_a_list_that_leads_in_circles_ends_the_pull() -> None:
    def circles(request: Request) -> Reply:
        if "/v1/" not in request.path:
            return from_fixtures(request)
        following = {"": 1, "cursorId=1": 2, "cursorId=2": 1}[urlsplit(request.path).query]
        return ok({"data": [], "metadata": {"nextCursorId": following}})

    with pytest.raises(Stopped, match="would never end"):
        Driver(circles).pulled(of_project())


# --- units and cursors ----------------------------------------------------------------


@pytest.mark.parametrize("page", [1, 7, 16, 17, 100])
def test_a_pull_that_is_taken_up_behind_any_unit_fetches_the_rest_and_nothing_twice(
    page: int,
) -> None:
    whole = [row.key for row in rows_of(Driver(Service(40, page)).pulled(of_project()))]
    units = len(Driver(Service(40, page)).pulled(of_project()))
    assert whole == [(f"u-{number:03}", "signs") for number in range(40)]
    for count in range(1, units + 1):
        first = Driver(Service(40, page)).pulled(of_project(), stop_behind=count)
        rest = Driver(Service(40, page)).pulled(
            of_project(), first[-1][0].cursor, done=parts_of(first)
        )
        assert [row.key for row in rows_of(first) + rows_of(rest)] == whole


def test_a_unit_is_at_most_sixteen_documents_fetched_at_the_same_time() -> None:
    driver = Driver(Service(40))
    assert [len(found.rows) for _, found in driver.pulled(of_project())] == [16, 16, 8]
    assert driver.at_once == [1, 16, 16, 8]


def test_documents_that_are_done_are_not_fetched_again_inside_a_page() -> None:
    first = Driver(Service(40)).pulled(of_project(), stop_behind=1)
    driver = Driver(Service(40))
    driver.pulled(of_project(), first[0][0].cursor, done=parts_of(first))
    assert len(driver.asked) == 1 + 24


@pytest.mark.parametrize(
    "gone", [{"u-003", "u-007"}, {"u-015"}, {f"u-{number:03}" for number in range(16)}]
)
def test_where_pages_have_shifted_it_goes_on_with_what_is_not_done(gone: set[str]) -> None:
    first = Driver(Service(40, 20)).pulled(of_project(), stop_behind=1)
    service = Service(40, 20)
    service.gone = gone
    rest = rows_of(Driver(service).pulled(of_project(), first[0][0].cursor, done=parts_of(first)))
    assert [row.key[0] for row in rest] == [f"u-{number:03}" for number in range(16, 40)]


def test_a_state_of_an_older_version_fetches_its_type_again_for_only_its_rows_are_known() -> None:
    """The rows that were written are left out by what knows them."""
    service = Service(40, 20)
    service.types = ["objects", "signs"]
    rows = rows_of(
        Driver(service).pulled(
            selected(project="project-a"), '["signs",20,3,"u-022",false]', done=None
        )
    )
    assert [row.key[0] for row in rows] == service.ids
    assert of_project().repeats


def test_a_cursor_that_the_service_does_not_take_any_more_leads_to_the_first_page() -> None:
    def forgetful(request: Request) -> Reply:
        return (
            Reply(400, b'{"message":"cursor"}')
            if "cursorId=20" in request.path
            else Service(40, 10)(request)
        )

    done = Driver(Service(40, 10)).pulled(of_project())
    rows = rows_of(Driver(forgetful).pulled(of_project(), done[1][0].cursor, stop_behind=1))
    assert rows[0].key == ("u-000", "signs")


@pytest.mark.parametrize("page", [100, 2, 1])
def test_what_pages_list_twice_is_fetched_once(page: int) -> None:
    service = Service(3, page)
    service.ids = ["u-000", "u-001", "u-000", "u-000"]
    driver = Driver(service)
    done = driver.pulled(of_project())
    assert [row.key[0] for row in rows_of(done)] == ["u-000", "u-001"]
    assert len([asked for asked in driver.asked if STORAGE in asked]) == 2


def test_a_list_that_never_stops_changing_is_told_and_what_was_seen_of_it_comes() -> None:
    """It repeats itself in every pass: nobody can know whether it is whole."""
    service = Service(3, 2)
    service.ids = ["u-000", "u-001", "u-000"]
    done = Driver(service).pulled(of_project())
    assert [row.key[0] for row in rows_of(done)] == ["u-000", "u-001"]
    assert [problem.what for problem in problems_of(done)] == ["type signs"]
    assert "kept changing while it was read 20 times" in problems_of(done)[0].reason


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([1, 2, 3, 7]))
def test_what_is_there_all_along_comes_exactly_once_though_pages_shift_and_runs_end(
    seed: int, page: int
) -> None:
    """Between any two answers annotations are delivered, invalidated, and delivered
    anew, at the end of the list.
    """
    rng = random.Random(seed)
    service = Service(rng.randrange(1, 14), page)
    goes = [uuid for uuid in service.ids if rng.random() < 0.4]
    stays = {uuid for uuid in service.ids if uuid not in goes}
    added, moves = iter(range(4)), iter(range(4))

    def answer(request: Request) -> Reply | NoReply:
        reply = service(request)
        roll = rng.random()
        if goes and roll < 0.2:
            service.ids.remove(goes.pop())
        elif stays and roll < 0.3 and next(moves, None) is not None:
            moved = rng.choice(sorted(stays))
            service.ids.remove(moved)
            service.ids.append(moved)
        elif roll < 0.4 and (number := next(added, None)) is not None:
            service.ids.insert(rng.randrange(len(service.ids) + 1), f"new-{number}")
        return reply

    came: list[str] = []
    problems: list[Problem] = []
    parts, cursor, over = set[str](), "", False
    while not over:
        stop_after = rng.randrange(1, 5)
        done = Driver(answer).pulled(of_project(), cursor, done=parts, stop_behind=stop_after)
        over = len(done) < stop_after
        came += [row.key[0] for row in rows_of(done)]
        problems += problems_of(done)
        parts |= parts_of(done)
        cursor = done[-1][0].cursor if done else cursor
    assert len(came) == len(set(came))
    assert stays <= set(came)
    assert problems == []


# --- signed URLs ----------------------------------------------------------------------


def test_an_expired_url_is_asked_for_anew_once_by_listing_the_same_page_again() -> None:
    service = Service(40, page=20)
    service.stale = {"u-021", "u-022", "u-038"}
    driver = Driver(service)
    done = driver.pulled(of_project())
    assert len(rows_of(done)) == 40
    assert problems_of(done) == []
    # And once more, to see that no page has shifted.
    assert driver.asked.count(f"GET {SEARCH}?cursorId=20") == 2 + 1
    assert driver.asked.count(f"GET {STORAGE}u-021.json") == 2


def test_units_of_a_page_share_what_one_of_them_asked_for_anew() -> None:
    service = Service(40)
    service.stale = set(service.ids)
    driver = Driver(service)
    units = [unit for unit, _ in driver.pulled(of_project())]
    assert len(units) == 3
    # The later units were enumerated after the first one had asked.
    assert driver.asked.count(f"GET {SEARCH}") == 2


@pytest.mark.parametrize("by_itself", [True, False])
def test_a_url_that_is_refused_again_is_asked_for_by_itself_or_a_problem_that_does_not_show_it(
    by_itself: bool,
) -> None:
    service = Service(2)

    def always(request: Request) -> Reply:
        lost = "u-001" in request.path and (request.path.startswith(STORAGE) or not by_itself)
        return (
            Reply(403 if request.path.startswith(STORAGE) else 404, b"<Error/>")
            if lost
            else service(request)
        )

    driver = Driver(always)
    done = driver.pulled(of_project())
    assert [row.key[0] for row in rows_of(done)] == (["u-000", "u-001"] if by_itself else ["u-000"])
    assert driver.asked.count(f"GET {STORAGE}u-001.json") == 2
    if by_itself:
        assert problems_of(done) == []
        return
    (problem,) = problems_of(done)
    assert problem.what == "input u-001, type signs"
    assert "secret" not in problem.reason
    assert "secret" not in repr(done)


def test_what_is_no_longer_where_it_was_listed_is_asked_for_by_itself() -> None:
    service = Service(3)
    service.stale = {"u-000", "u-001"}
    listings = 0

    def moved(request: Request) -> Reply:
        nonlocal listings
        listings += "/search" in request.path
        if "/search" in request.path and listings == 2:
            return ok({"data": [], "metadata": {}})
        return (
            Reply(404, b'{"message":"gone"}')
            if "/annotations/inputs/u-001" in request.path
            else service(request)
        )

    done = Driver(moved).pulled(of_project())
    assert [(row.key[0], b"by" in row.line) for row in rows_of(done)] == [
        ("u-002", False),
        ("u-000", True),
    ]
    (problem,) = problems_of(done)
    assert (problem.what, "HTTP 404: gone" in problem.reason) == ("input u-001, type signs", True)


def test_a_document_that_the_storage_does_not_have_is_a_problem_and_the_others_come() -> None:
    def lost(request: Request) -> Reply:
        return Reply(404, b"") if "u-001" in request.path else Service(3)(request)

    done = Driver(lost).pulled(of_project())
    assert [row.key[0] for row in rows_of(done)] == ["u-000", "u-002"]
    assert [(problem.what, problem.reason) for problem in problems_of(done)] == [
        ("input u-001, type signs", "the storage answered HTTP 404")
    ]


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "file:///etc/passwd",
        "//host/path",
        "https://",
        "https://hôst/x",
        "ftp://host/x",
        "http://[x",
    ],
)
def test_an_address_that_is_none_is_a_problem_and_is_not_asked(uri: str) -> None:
    row = {"inputUuid": "u", "annotationType": "signs", "created": "t", "uri": uri}
    driver = Driver(lambda _: ok({"data": [row], "metadata": {}}))
    done = driver.pulled(of_project())
    assert [problem.reason for problem in problems_of(done)] == ["it is listed without an address"]
    assert len(driver.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>503</body></html>",
        b'{"error":"Service unavailable"}',
        b'{"openlabel":',
        b'{"openlabel":[]}',
        b'{"openlabel":null}',
        b'[{"openlabel":{}}]',
        b'{"openlabel":{}} and more',
        b'{"openlabel":{"x":"\xff"}}',
    ],
)
def test_what_is_no_openlabel_document_is_never_stored_and_may_be_asked_for_again(
    body: bytes,
) -> None:
    def answer(request: Request) -> Reply:
        return Reply(200, body) if request.path.startswith(STORAGE) else Service(1)(request)

    with pytest.raises(NoAnswer, match="no OpenLABEL document"):
        Driver(answer).pulled(of_project())


def test_no_beginning_of_a_document_passes_for_a_whole_one() -> None:
    whole = (annotell.FIXTURES / "openlabel_image_bboxes.json").read_bytes()
    for end in range(0, len(whole.rstrip()) - 1, 7):
        cut = Reply(200, whole[:end])
        with pytest.raises(NoAnswer):
            Driver(
                lambda request, cut=cut: (
                    cut if request.path.startswith(STORAGE) else Service(1)(request)
                )
            ).pulled(of_project())


def test_a_document_with_odd_metadata_is_stored_as_it_is() -> None:
    odd = b'{"openlabel":{"metadata":7},"more":1e400,"openlabel":{"metadata":[]}}'

    def answer(request: Request) -> Reply | NoReply:
        return Reply(200, odd) if request.path.startswith(STORAGE) else Service(1)(request)

    ((_, found),) = Driver(answer).pulled(of_project())
    assert found.rows[0].line.endswith(b'"annotation_id":null,"content":' + odd + b"}")
