"""Every wire fixture replayed: its request, at every binding that it may come by, gets
an answer that agrees with the fixture's.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from syncer.emulator.clarifai.call import COLLABORATOR
from tests.emulator.official import emulated, requests, response_class

FIXTURES = Path(__file__).parents[1] / "fixtures" / "clarifai"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json") if path.stem != "index")
OWNER, APP = "demo-owner", "demo-app"

FAULTS = {
    "error_all_failed": "inputs=must-exist,no-input-code=24155",
    "error_duplicate_id_per_item": "duplicate-id=item,duplicate-code=24155",
    "error_empty_body_200": "empty=1",
    "error_gateway_envelope": "gateway=1,gateway-form=404",
    "error_hourly_limit": "throttle=1,throttle-code=11003",
    "error_insufficient_scopes": "refused-code=11007",
    "error_internal": "error=1,error-code=99009",
    "error_maintenance": "error=1,error-code=39997",
    "error_message_too_large": "body-limit=100",
    "error_mixed_status": "inputs=must-exist,no-input-code=24155,caller=collaborator",
    "error_monthly_limit": "throttle=1,throttle-code=11004",
    "error_proxy_html_503": "html=1",
    "error_queue_full": "error=1,error-code=40030",
    "error_rate_limited": "throttle=1",
    "error_request_timeout": "error=1,error-code=40032",
    "error_server_unavailable": "error=1,error-code=40031",
    "error_try_again": "error=1,error-code=10030",
    "error_unauthorized_key_invalid": "refused-code=11008",
    "error_unauthorized_key_not_found": "refused-code=11009",
}
"""The faults and switches under which the service would answer as the fixture has it.
"""
REFUSED = (
    "error_insufficient_scopes",
    "error_unauthorized_key_invalid",
    "error_unauthorized_key_not_found",
)


def fixture(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return loaded


def there_before(name: str) -> list[dict[str, Any]]:
    """What the app holds when the request comes: what the fixtures of lists show, and
    what the fixture itself is about.
    """
    new = {
        annotation.get("id")
        for annotation in (fixture(name)["request"]["body"] or {}).get("annotations", ())
    }
    kept = new if name.startswith("patch_") or name == "error_duplicate_id_per_item" else set()
    rows = [
        row
        for row in fixture("list_all")["response"]["body"]["annotations"]
        if row["id"] not in new - kept
    ]
    body = fixture(name)["response"]["body"]
    if name == "error_duplicate_id":
        rows.append({"id": "lbl-0101", "input_id": "img-0001"})
    if name == "search_by_status_and_updated_since":
        rows += [hit["annotation"] for hit in body["hits"]]
    if name == "post_existing_regions":  # regions that a model found
        rows += [
            {
                "id": f"found-{number}",
                "input_id": row["input_id"],
                "model_version_id": "mv-1",
                "data": row["data"],
            }
            for number, row in enumerate(body["annotations"])
        ]
    return rows


def paths(loaded: dict[str, Any]) -> list[tuple[str, str]]:
    """(method, path) of every binding, filled in from the request."""
    wire = loaded["request"]
    named = {"user_app_id.user_id": OWNER, "user_app_id.app_id": APP}
    for binding in loaded["rest_bindings"]:
        pattern = re.sub(
            r"\{([\w.]+)\}", lambda name: f"(?P<{name[1].replace('.', '_')}>[^/]+)", binding["path"]
        )
        if (match := re.fullmatch(pattern, wire["path"])) is not None:
            named |= {
                name: value
                for name, value in match.groupdict().items()
                if not name.startswith("user_app_id")
            }
    return [
        (one["method"], re.sub(r"\{([\w.]+)\}", lambda name: named[name[1]], one["path"]))
        for one in loaded["rest_bindings"]
    ]


def agrees(theirs: Any, ours: Any, mentioned: str, place: str = "") -> None:
    """Ours has all that theirs has, in the same form, and nothing more but a concept's
    name and app or a failure's details.

    Texts, times, and ids that the service makes up are held against each other in kind.
    """
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), place
        assert set(theirs) - set(ours) - {"details"} == set(), f"{place} lacks a member"
        more = (
            {"name", "app_id"}
            if ".concepts" in place
            else {"details"}
            if place.endswith("status")
            else set()
        )
        assert set(ours) - set(theirs) - more == set(), f"{place} has more"
        for name in set(theirs) & set(ours):
            agrees(theirs[name], ours[name], mentioned, f"{place}.{name}")
    elif isinstance(theirs, list):
        assert len(theirs) == len(ours), place
        for number, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            agrees(one, other, mentioned, f"{place}[{number}]")
    elif isinstance(theirs, str) and re.search(
        r"\.(description|details|req_id|created_at|modified_at)$", place
    ):
        assert isinstance(ours, str), place
        assert bool(ours) == bool(theirs), place
    elif (
        isinstance(theirs, str) and re.fullmatch("[0-9a-f]{32}", theirs) and theirs not in mentioned
    ):
        assert re.fullmatch("[0-9a-f]{32}", ours), place
    else:
        assert ours == theirs, place


def read(rpc: str, body: Any) -> Any:
    """Through the official protos and back, so that only what they know is compared, in
    one form.
    """
    message = json_format.ParseDict(body, response_class(rpc)(), ignore_unknown_fields=False)
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, use_integers_for_enums=True
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_fixture_is_answered_as_it_says(name: str, tmp_path: Path) -> None:
    loaded = fixture(name)
    wire, response = loaded["request"], loaded["response"]
    body = None if wire["body"] is None else json.dumps(wire["body"])
    token = "refused-token" if name in REFUSED else "DEMO_PAT"
    headers = {
        "Authorization": f"{'key' if name == 'error_bad_authorization_header' else 'Key'} {token}"
    }
    if name == "error_bad_json":
        body = (body or "")[:-1]
    for method, path in paths(loaded):
        with emulated(
            FAULTS.get(name, ""), load={f"{OWNER}/{APP}": there_before(name)}, folder=tmp_path
        ) as server:
            answer = requests.request(
                method,
                server.url + path,
                params=wire["query"],
                data=body,
                headers=headers,
                timeout=10,
            )
        assert answer.status_code == response["http_status"]
        if loaded["kind"] == "golden":
            ours = json.loads(answer.text.replace(COLLABORATOR, OWNER))
            mentioned = json.dumps(
                [wire["body"], [] if method in ("POST", "PATCH") else there_before(name)]
            )
            agrees(read(loaded["rpc"], response["body"]), read(loaded["rpc"], ours), mentioned)
            assert set(ours) - {"status"} == set(response["body"]) - {"status"}
        elif isinstance(response["body"], str):
            assert answer.text[:6] == response["body"][:6]
        else:
            assert answer.json() == response["body"]


def test_all_fixtures_are_replayed() -> None:
    assert len(NAMES) == 51
    assert FAULTS.keys() <= set(NAMES)
