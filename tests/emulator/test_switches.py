"""Every switch does what the documentation says of it, and answers stay messages of the
protos, but for fields that are added.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from google.protobuf import json_format

from syncer.emulator import Emulator
from syncer.emulator.settings import FAULTS, SWITCHES
from tests.emulator.official import Client, emulated, requests, response_class

DOCS = Path(__file__).parents[2] / "docs" / "emulator.md"
See = Callable[[Client], Any]
PIXEL = "iVBORw0KGgo="


def annotation(id: str, input_id: str = "i", **members: Any) -> dict[str, Any]:
    return {"id": id, "input_id": input_id, **members}


def post(client: Client, *annotations: dict[str, Any]) -> Any:
    return client.send("POST", "/annotations", {"annotations": annotations})


def patch(client: Client, action: str, **members: Any) -> Any:
    return client.send(
        "PATCH", "/annotations", {"action": action, "annotations": [annotation("a", **members)]}
    )


def listed(client: Client, query: str = "") -> list[str]:
    return [row["id"] for row in client.send("GET", f"/annotations{query}")["annotations"]]


def codes(answer: Any) -> tuple[Any, ...]:
    return answer["status"]["code"], *(item["status"]["code"] for item in answer["annotations"])


def two_regions(id: str = "bad") -> dict[str, Any]:
    return annotation(id, data={"regions": [{"id": "1"}, {"id": "2"}]})


# --- what a POST does -----------------------------------------------------------------


def a_taken_id(client: Client) -> Any:
    post(client, annotation("a", task_id="old"))
    answer = post(client, annotation("a", task_id="new"))
    return codes(answer), client.send("GET", "/inputs/i/annotations/a")["annotation"]["task_id"]


def the_same_id_on_another_input(client: Client) -> Any:
    post(client, annotation("a", "i1"))
    return codes(post(client, annotation("a", "i2")))


def an_odd_id(client: Client) -> Any:
    return codes(post(client, annotation("a b")))


def a_long_id(client: Client) -> Any:
    return codes(post(client, annotation("a" * 33)))


def an_unknown_input(client: Client) -> Any:
    return codes(post(client, annotation("a")))


def reads_until_ready(client: Client) -> Any:
    client.send("POST", "/inputs", {"inputs": [{"id": "i"}]})
    return [client.send("GET", "/inputs/i")["input"]["status"]["code"] for _ in range(3)]


def a_label_for_a_pending_input(client: Client) -> Any:
    client.send("POST", "/inputs", {"inputs": [{"id": "i"}]})
    return codes(post(client, annotation("a")))


def a_label_for_another_user(client: Client) -> Any:
    return codes(post(client, annotation("a", user_id="bob")))


def the_user_of_a_token(client: Client) -> Any:
    answer = Client(client.url, "me")("GetUser")
    return answer.status.code, answer.user.id


def a_bad_item_beside_a_good_one(client: Client) -> Any:
    return codes(post(client, annotation("good"), two_regions())), listed(client)


def a_batch_of_129(client: Client) -> Any:
    return len(post(client, *(annotation(f"a{number}") for number in range(129)))["annotations"])


def an_unknown_field(client: Client) -> Any:
    return codes(post(client, annotation("a", colour="red")))


# --- what a PATCH does ----------------------------------------------------------------


def merged_drawings(client: Client) -> Any:
    post(
        client,
        annotation("a", data={"regions": [{"id": "r"}], "frames": [{"frame_info": {"time": 1}}]}),
    )
    data = patch(
        client, "merge", data={"regions": [{"value": 1}], "frames": [{"frame_info": {"time": 2}}]}
    )["annotations"][0]["data"]
    return len(data["regions"]), len(data["frames"])


def removed_without_ids(client: Client) -> Any:
    post(client, annotation("a", data={"metadata": {"list": [1]}}))
    return patch(client, "remove", data={"metadata": {"list": [2]}})["annotations"][0]["data"][
        "metadata"
    ]["list"]


def a_patch_of_what_is_missing(client: Client) -> Any:
    post(client, annotation("a"))
    answer = client.send(
        "PATCH",
        "/annotations",
        {"action": "merge", "annotations": [annotation("a"), annotation("none")]},
    )
    return codes(answer)


def a_patch(client: Client) -> Any:
    post(client, annotation("a"))
    return codes(patch(client, "merge", task_id="t"))


# --- the form of answers --------------------------------------------------------------


def items_of_an_answer(client: Client) -> Any:
    rows = post(client, annotation("a", task_id="t"), annotation("b", task_id="t"))["annotations"]
    return [(row["id"], "task_id" in row) for row in rows]


def order_of_an_answer(client: Client) -> Any:
    ids = [f"a{number}" for number in range(20)]
    told = [row["id"] for row in post(client, *map(annotation, ids))["annotations"]]
    return told == ids, sorted(told) == sorted(ids)


def a_failed_item(client: Client) -> Any:
    return sorted(post(client, two_regions())["annotations"][0])


def http_of_a_mixed_answer(client: Client) -> Any:
    return post(client, annotation("a"), two_regions())["status"]["code"], client.http_status


def http_of_a_failed_answer(client: Client) -> Any:
    return post(client, two_regions())["status"]["code"], client.http_status


def a_point(client: Client) -> Any:
    point = {
        "regions": [
            {"id": "r", "region_info": {"point": {"row": 0.123456789, "visibility": "VISIBLE"}}}
        ]
    }
    answer = post(client, annotation("a", data=point))
    shown = answer["annotations"][0]["data"]["regions"][0]["region_info"]["point"]
    return answer["status"]["code"], shown["visibility"]


def a_coordinate(client: Client) -> Any:
    point = {"regions": [{"id": "r", "region_info": {"point": {"row": 0.123456789}}}]}
    return post(client, annotation("a", data=point))["annotations"][0]["data"]["regions"][0][
        "region_info"
    ]["point"]["row"]


def a_mask(client: Client) -> Any:
    mask = {"regions": [{"id": "r", "region_info": {"mask": {"image": {"base64": PIXEL}}}}]}
    return list(
        post(client, annotation("a", data=mask))["annotations"][0]["data"]["regions"][0][
            "region_info"
        ]["mask"]["image"]
    )


def unknown_members(client: Client) -> Any:
    answer = post(
        client, annotation("a", data={"metadata": {"mine": {}}, "concepts": [{"id": "c"}]})
    )
    shown = answer["annotations"][0]
    assert shown["data"]["metadata"] == {"mine": {}}
    places = (answer, answer["status"], shown, shown["data"], shown["data"]["concepts"][0])
    return ["added_by_a_later_version" in place for place in places]


def http_in_the_status(client: Client) -> Any:
    return post(client)["status"].get("http_status_code"), post(client, annotation("a"))[
        "status"
    ].get("http_status_code")


# --- lists and reads ------------------------------------------------------------------


def order_of_a_list(client: Client) -> Any:
    ids = [f"a{number}" for number in range(20)]
    post(client, *map(annotation, ids))
    return {(): "another", tuple(ids): "oldest first", tuple(reversed(ids)): "newest first"}.get(
        tuple(listed(client)), "another"
    )


def input_level_rows(client: Client) -> Any:
    client.send("POST", "/inputs", {"inputs": [{"id": "i"}]})
    return len(listed(client)), len(listed(client, "?input_ids=i"))


def lists_that_name_what_is_not_there(client: Client) -> Any:
    post(client, annotation("a"), annotation("b"))
    pairs = client.send("GET", "/annotations?ids=a&input_ids=i&ids=gone&input_ids=i")
    inputs = client.send("GET", "/inputs?ids=i&ids=gone")
    of_inputs = client.send("GET", "/annotations?input_ids=i&input_ids=gone")
    return [
        (answer["status"]["code"], len(answer[member]))
        for answer, member in (
            (pairs, "annotations"),
            (inputs, "inputs"),
            (of_inputs, "annotations"),
        )
    ]


def order_of_the_inputs(client: Client) -> Any:
    client.send("POST", "/inputs", {"inputs": [{"id": id} for id in ("B2", "a1", "b3", "A4")]})
    stream = client.send("GET", "/inputs/stream?order_by_id=true&per_page=4")["inputs"]
    rest = client.send("GET", f"/inputs/stream?order_by_id=true&last_id={stream[1]['id']}")[
        "inputs"
    ]
    backwards = client.send("GET", "/inputs/stream?order_by_id=true&descending=true")["inputs"]
    assert stream == [*stream[:2], *rest] == backwards[::-1]
    return " ".join(row["id"] for row in stream)


def inputs_after_one_that_is_gone(client: Client) -> Any:
    client.send("POST", "/inputs", {"inputs": [{"id": id} for id in "abc"]})
    client.send("GET", "/inputs/stream")
    client.send("DELETE", "/inputs", {"ids": ["b"]})
    answers = [
        client.send("GET", f"/inputs/stream?last_id=b{more}")
        for more in ("&order_by_id=true", "", "&descending=true")
    ]
    assert len({answer["status"]["code"] for answer in answers}) == 1
    return answers[0]["status"]["code"], [
        "".join(row["id"] for row in answer["inputs"]) for answer in answers
    ]


def a_page_without_a_size(client: Client) -> Any:
    for start in (0, 128):
        post(client, *(annotation(f"a{start + number}") for number in range(128)))
    return len(listed(client))


def a_page_over_1000(client: Client) -> Any:
    return client.send("GET", "/annotations?per_page=1001")["status"]["code"]


def hits(client: Client) -> Any:
    post(client, annotation("a"))
    found = client.send("POST", "/annotations/searches", {"searches": [{"query": {}}]})
    return [hit["annotation"]["id"] for hit in found["hits"]]


def beyond_the_window(client: Client) -> Any:
    """Codes and rows of the first page of 1,000, of the third, and of one that begins
    beyond the window.
    """
    for start in range(0, 2100, 100):
        post(client, *(annotation(f"a{start + number}") for number in range(100)))
    answers = [
        client.send(
            "POST",
            "/annotations/searches",
            {"searches": [{"query": {}}], "pagination": {"page": page, "per_page": 1000}},
        )
        for page in (1, 2, 3)
    ]
    return [(answer["status"]["code"], len(answer["hits"])) for answer in answers]


def hits_within_a_second(client: Client) -> Any:
    """Of one that was updated within a second: from its start on, from its last
    nanosecond on, up to its start.
    """
    second = post(client, annotation("a"))["annotations"][0]["modified_at"][:19]
    spans = (
        {"start_time": f"{second}Z"},
        {"start_time": f"{second}.999999999Z"},
        {"end_time": f"{second}Z"},
    )
    searches = [
        {"searches": [{"query": {"filters": [{"last_updated_time_range": span}]}}]}
        for span in spans
    ]
    return [
        len(client.send("POST", "/annotations/searches", search)["hits"]) for search in searches
    ]


def reads_after_a_write(client: Client) -> Any:
    post(client, annotation("a", task_id="1"))
    seen = [listed(client, "?ids=a&input_ids=i") for _ in range(3)]
    patch(client, "merge", task_id="2")
    return seen, [client.send("GET", "/annotations")["annotations"][0]["task_id"] for _ in range(3)]


def reads_after_a_delete(client: Client) -> Any:
    post(client, annotation("a"))
    client.send("DELETE", "/annotations", {"input_ids": ["i"]})
    taken = codes(post(client, annotation("a")))[0]
    return taken, [listed(client) for _ in range(2)]


# --- limits and failures --------------------------------------------------------------


def an_app_that_was_not_loaded(client: Client) -> Any:
    return listed_status(client), client.http_status


def a_throttle(client: Client) -> Any:
    return client.http_status if (answer := listed_status(client)) == 11005 else answer


def listed_status(client: Client) -> Any:
    return client.send("GET", "/annotations")["status"]["code"]


def retry_after(client: Client) -> Any:
    # A GET would be sent again.
    answer = client.session.post(f"{client.url}/v2/annotations", headers={"Authorization": "Key x"})
    text, date = answer.headers.get("Retry-After", ""), answer.headers["Date"]
    return (
        text
        if not text.lower().endswith("gmt")
        else re.sub(r"[^-]", "", text) + ("a date" if date else "a date alone")
    )


def wait_of_an_error(client: Client) -> Any:
    answer = client.session.post(f"{client.url}/v2/annotations", headers={"Authorization": "Key x"})
    return answer.headers.get("Retry-After")


def odd_names_in_a_path(client: Client) -> Any:
    """Whether labels and a dataset are shown whose names a path may change."""
    for name in ("..", "a/b", "a\nb"):
        post(client, annotation(name))
        client.send(
            "POST",
            f"/datasets/{quote(name, safe='')}/inputs",
            {"dataset_inputs": [{"input": {"id": "i"}}]},
        )
    paths = [
        *(f"/inputs/i/annotations/{quote(name, safe='')}" for name in ("..", "a/b", "a\nb")),
        "/datasets/a%2Fb/inputs",
    ]
    return [raw(client, f"/v2/users/alice/apps/animals{path}") for path in paths]


def raw(client: Client, path: str) -> Any:
    """Whether an address, sent as it is, is that of an annotation or a dataset."""
    connection = HTTPConnection(client.url.removeprefix("http://"))
    connection.request("GET", path, headers={"Authorization": "Key x"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return "annotation" in answer or "dataset_inputs" in answer


def a_long_url(client: Client) -> Any:
    answer = requests.get(
        f"{client.url}/v2/annotations",
        params={"ids": "x" * 5000},
        headers={"Authorization": "Key x"},
        timeout=10,
    )
    longer = requests.get(
        f"{client.url}/v2/annotations",
        params={"ids": "x" * 9000},
        headers={"Authorization": "Key x"},
        timeout=10,
    )
    return answer.status_code, longer.status_code


def a_large_body(client: Client) -> Any:
    answers = [
        post(client, annotation(f"a{size}", task_id="x" * size)) for size in (1, 1000, 20_000)
    ]
    return [answer["status"]["code"] for answer in answers]


def a_refused_token(client: Client) -> Any:
    answer = client.session.get(
        f"{client.url}/v2/annotations", headers={"Authorization": "Key refused-token"}
    )
    return answer.json()["status"]["code"], answer.status_code


def an_error(client: Client) -> Any:
    return listed_status(client), client.http_status


def http_of_a_gateway(client: Client) -> Any:
    return client.send("GET", "/annotations")["message"], client.http_status


RATES = {"rate-rule", "rate-scope"}  # tests/emulator/test_limits.py
SCENES: dict[str, tuple[str, See, tuple[Any, ...]]] = {
    "duplicate-id": (
        "",
        a_taken_id,
        (((40010,), "old"), ((10020, 40010), "old"), ((10000, 24150), "new")),
    ),
    "duplicate-code": (
        "duplicate-id=item",
        a_taken_id,
        (((10020, 40010), "old"), ((10020, 24155), "old")),
    ),
    "id-scope": ("", the_same_id_on_another_input, ((10000, 24150), (40010,))),
    "id-charset": ("", an_odd_id, ((10000, 24150), (10020, 24155))),
    "id-length": ("", a_long_id, ((10000, 24150), (10020, 24155))),
    "inputs": ("", an_unknown_input, ((10000, 24150), (10020, 30102))),
    "no-input-code": ("inputs=must-exist", an_unknown_input, ((10020, 30102), (10020, 24155))),
    "input-lag": ("", reads_until_ready, ([30000, 30000, 30000], [30001, 30001, 30000])),
    "pending-input": ("input-lag=2", a_label_for_a_pending_input, ((10000, 24150), (10020, 30102))),
    "caller": ("", a_label_for_another_user, ((10000, 24150), (10020, 24156))),
    "token-user": (
        "",
        the_user_of_a_token,
        ((10000, "emulator-user"), (11101, ""), (11007, "")),
    ),
    "post": ("", a_bad_item_beside_a_good_one, (((10010, 24150, 24155), ["good"]), ((11102,), []))),
    "items-over": ("", a_batch_of_129, (0, 129)),
    "unknown-fields": ("", an_unknown_field, ((10000, 24150), (11100,))),
    "region-merge": ("", merged_drawings, ((2, 2), (1, 1))),
    "remove-without-ids": ("", removed_without_ids, ([1], [1, 2])),
    "patch-missing": ("", a_patch_of_what_is_missing, ((10010, 24150, 11101), (11101,))),
    "patch-code": ("", a_patch, ((10000, 24150), (10000, 24250))),
    "answer": (
        "",
        items_of_an_answer,
        (
            [("a", True), ("b", True)],
            [("a", True)],
            [("a", True), ("b", True), ("stranger", False)],
            [("a", True), ("b", True), ("a", True), ("b", True)],
            [("a", False), ("b", False)],
            [],
        ),
    ),
    "answer-order": ("", order_of_an_answer, ((True, True), (False, True))),
    "failed-item": (
        "",
        a_failed_item,
        (["id", "input_id", "status"], ["data", "id", "input_id", "status"], ["status"]),
    ),
    "mixed-http": ("", http_of_a_mixed_answer, ((10010, 200), (10010, 207))),
    "failed-http": ("", http_of_a_failed_answer, ((10020, 400), (10020, 200))),
    "enums": ("", a_point, ((10000, 1), ("SUCCESS", "VISIBLE"), ("10000", "1"))),
    "float32": ("", a_coordinate, (0.12345679, 0.12345679104328156, 0.123456789)),
    "masks": ("", a_mask, (["base64"], ["url"])),
    "added-fields": ("", unknown_members, ([False] * 5, [True] * 5)),
    "http-status-code": ("", http_in_the_status, ((None, None), (400, 200))),
    "list-order": ("", order_of_a_list, ("oldest first", "newest first", "another")),
    "input-level": ("", input_level_rows, ((1, 1), (0, 1))),
    "absent-ids": (
        "",
        lists_that_name_what_is_not_there,
        ([(10000, 1), (10000, 1), (10000, 2)], [(11101, 0)] * 3),
    ),
    "stream-order": (
        "",
        order_of_the_inputs,
        ("A4 B2 a1 b3", "a1 A4 B2 b3", "B2 a1 b3 A4", "B2 a1 A4 b3"),
    ),
    "gone-cursor": (
        "",
        inputs_after_one_that_is_gone,
        (
            (11101, ["", "", ""]),
            (10000, ["c", "c", "a"]),
            (10000, ["", "", ""]),
            (10000, ["ac", "ac", "ca"]),
        ),
    ),
    "per-page": ("", a_page_without_a_size, (128, 20)),
    "per-page-over": ("", a_page_over_1000, (10000, 11102)),
    "search-hits": ("", hits, (["a"], ["a", "a"])),
    "search-window": (
        "search-window-size=1000",
        beyond_the_window,
        (
            [(10000, 1000), (10000, 1000), (10000, 100)],
            [(10000, 1000), (11102, 0), (11102, 0)],
            [(10000, 1000), (10000, 0), (10000, 0)],
        ),
    ),
    "search-window-size": (
        "search-window=empty",
        beyond_the_window,
        (
            [(10000, 1000), (10000, 1000), (10000, 100)],
            [(10000, 1000), (10000, 1000), (10000, 0)],
            [(10000, 1000), (10000, 0), (10000, 0)],
        ),
    ),
    "search-times": ("", hits_within_a_second, ([1, 0, 0], [1, 1, 1])),
    "read-lag": (
        "",
        reads_after_a_write,
        (([["a"]] * 3, ["2"] * 3), ([[], [], ["a"]], ["1", "1", "2"])),
    ),
    "delete-lag": ("", reads_after_a_delete, ((10000, [["a"], ["a"]]), (40010, [["a"], []]))),
    "apps": ("", an_app_that_was_not_loaded, ((10000, 200), (11101, 404))),
    "throttle-form": ("throttle-silent=1", a_throttle, (429, 200, 503)),
    "throttle-code": ("throttle-silent=1", listed_status, (11005, 11003, 11004)),
    "retry-after": (
        "throttle=1",
        retry_after,
        (
            "1",
            "a date",
            "",
            "0.5",
            "--a date",
            "a date alone",
            "0, 1",
            "0",
            "-1",
            "a date",
            "soon",
            "inf",
            "999999999",
        ),
    ),
    "error-retry-after": ("error=1", wait_of_an_error, (None, "1")),
    "url-path": ("", odd_names_in_a_path, ([True] * 4, [False, False, True, False])),
    "url-limit": ("", a_long_url, ((400, 400), (400, 414), (414, 414))),
    "body-limit": ("", a_large_body, ([10000] * 3, [10000, 10000, 40033], [10000, 40033, 40033])),
    "refused-code": ("", a_refused_token, ((11009, 401), (11008, 401), (11007, 403), (11102, 401))),
    "error-code": (
        "error=1",
        an_error,
        (
            (98004, 500),
            (99009, 500),
            (10030, 503),
            (40030, 503),
            (40031, 503),
            (40032, 504),
            (39997, 503),
        ),
    ),
    "gateway-form": ("gateway=1", http_of_a_gateway, (("Not Found", 200), ("Not Found", 404))),
}
"""By switch: what else is on, what is looked at, and what is seen under each of its
values.
"""
CASES = [
    (name, value, seen)
    for name, (_, _, expected) in SCENES.items()
    for value, seen in zip(SWITCHES[name], expected, strict=True)
]


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with emulated() as server:
        yield server


@pytest.mark.parametrize(
    ("name", "value", "seen"), CASES, ids=[f"{name}={value}" for name, value, _ in CASES]
)
def test_a_switch_does_what_it_says(server: Emulator, name: str, value: str, seen: Any) -> None:
    others, see, _ = SCENES[name]
    server.reset(",".join(filter(None, (others, f"{name}={value}"))))
    assert see(Client(server.url)) == seen


def test_a_list_that_is_refused_for_what_it_does_not_show_yet_is_a_read_of_it(
    server: Emulator,
) -> None:
    """Wrong: what is asked for by its id is never shown."""
    server.reset("absent-ids=refused,read-lag=2")
    client = Client(server.url)
    post(client, annotation("a"))
    answers = [client.send("GET", "/annotations?ids=a&input_ids=i") for _ in range(3)]
    assert [answer["status"]["code"] for answer in answers] == [11101, 11101, 10000]


def test_every_switch_is_looked_at() -> None:
    assert SCENES.keys() | RATES == SWITCHES.keys()


@pytest.mark.parametrize(
    "switch",
    [f"{name}={value}" for name, values in SWITCHES.items() for value in values if value != "some"],
)
def test_answers_stay_messages_of_the_protos_under(server: Emulator, switch: str) -> None:
    server.reset(switch)
    client = Client(server.url)
    region = {
        "region_info": {
            "mask": {"image": {"base64": PIXEL}},
            "point": {"row": 0.1, "visibility": 1},
        }
    }
    post(
        client,
        annotation("a", data={"concepts": [{"id": "c"}], "regions": [region]}),
        two_regions(),
    )
    json_format.ParseDict(
        client.raw, response_class("PostAnnotations")(), ignore_unknown_fields=False
    )
    patch(client, "merge", status={"code": 24151})
    json_format.ParseDict(
        client.raw, response_class("PatchAnnotations")(), ignore_unknown_fields=False
    )
    client("ListAnnotations")
    client("PostAnnotationsSearches", searches=[{"query": {}}])
    client("ListInputs")
    client("DeleteAnnotation", input_id="i", annotation_id="a")


def test_the_documentation_has_a_row_for_every_fault_and_switch_and_for_nothing_else() -> None:
    faults, switches = DOCS.read_text().split("\n## Switches")
    rows = re.findall(r"^\| (`[^|]*`) \| (`[^|]*`) \|", switches, re.MULTILINE)
    assert {
        name.strip("`"): tuple(re.findall("`([^`]*)`", values)) for name, values in rows
    } == SWITCHES
    named = re.findall(r"^\| (`[^|]*`) \|", faults.split("\n## Faults")[1], re.MULTILINE)
    assert [name for names in named for name in re.findall("`([^`]*)`", names)] == list(FAULTS)
