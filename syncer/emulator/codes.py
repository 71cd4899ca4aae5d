"""Status codes: name, HTTP status of an answer that fails with it, and what the service
says (wire section 4).

Names and numbers are those of `status_code_pb2` (clarifai-grpc 12.6.0); texts are from
the service's documentation where it has one.
"""

from __future__ import annotations

from typing import Any

OK, MIXED, FAILURE, TRY_AGAIN, NOT_IMPLEMENTED = 10000, 10010, 10020, 10030, 10040
INSUFFICIENT_SCOPES = 11007
KEY_NOT_FOUND, BAD_FORMAT, MISSING, INVALID_REQUEST = 11009, 11100, 11101, 11102
STORED, FAILED_FOR_NOW, INVALID, DENIED, MODIFIED = 24150, 24152, 24155, 24156, 24250
INPUT_READY, INPUT_PENDING, NO_INPUT, INPUT_INVALID = 30000, 30001, 30102, 30104
BAD_CONCEPT, DUPLICATE, TOO_LARGE = 40003, 40010, 40033

CODES: dict[int, tuple[str, int, str]] = {
    10000: ("SUCCESS", 200, "Ok"),
    10010: ("MIXED_STATUS", 200, "Mixed Success"),
    10020: ("FAILURE", 400, "Failure"),
    10030: ("TRY_AGAIN", 503, "Try the request again"),
    10040: ("NOT_IMPLEMENTED", 501, "Not implemented"),
    10050: ("MOVED", 307, "Moved"),
    10070: ("ACCEPTED", 202, "Accepted"),
    11000: ("CONN_ACCOUNT_ISSUES", 403, "Account issues"),
    11001: ("CONN_TOKEN_INVALID", 401, "Invalid authentication token"),
    11002: ("CONN_CREDENTIALS_INVALID", 401, "Invalid authentication credentials"),
    11003: ("CONN_EXCEED_HOURLY_LIMIT", 429, "Throttle hourly request limit exceeded"),
    11004: ("CONN_EXCEED_MONTHLY_LIMIT", 429, "Throttle monthly request limit exceeded"),
    11005: ("CONN_THROTTLED", 429, "Making too many requests"),
    11006: ("CONN_EXCEEDS_LIMITS", 429, "Account limits exceeded"),
    11007: ("CONN_INSUFFICIENT_SCOPES", 403, "API key has insufficient permissions"),
    11008: ("CONN_KEY_INVALID", 401, "Invalid API key or Invalid API key/application pair"),
    11009: ("CONN_KEY_NOT_FOUND", 401, "API key not found"),
    11100: ("CONN_BAD_REQUEST_FORMAT", 400, "Bad request format"),
    11101: ("CONN_DOES_NOT_EXIST", 404, "Resource does not exist"),
    11102: ("CONN_INVALID_REQUEST", 400, "Invalid request"),
    11103: ("CONN_METHOD_NOT_ALLOWED", 405, "Method not allowed"),
    24150: ("ANNOTATION_SUCCESS", 200, "Annotation success"),
    24151: ("ANNOTATION_PENDING", 200, "Annotation pending"),
    24152: ("ANNOTATION_FAILED", 400, "Annotation failed"),
    24154: ("ANNOTATION_UNKNOWN_STATUS", 400, "Annotation status unknown"),
    24155: ("ANNOTATION_INVALID_ARGUMENT", 400, "Annotation invalid argument"),
    24156: ("ANNOTATION_PERMISSION_DENIED", 403, "Permission to annotation denied"),
    24157: ("ANNOTATION_AWAITING_REVIEW", 200, "Annotation awaiting review"),
    24158: ("ANNOTATION_REVIEW_DENIED", 200, "Annotation review denied"),
    24159: ("ANNOTATION_AWAITING_CONSENSUS_REVIEW", 200, "Annotation awaiting consensus review"),
    24250: ("ANNOTATION_MODIFY_SUCCESS", 200, "Annotation modify success"),
    24251: ("ANNOTATION_MODIFY_PENDING", 200, "Annotation modify pending"),
    24252: ("ANNOTATION_MODIFY_FAILED", 400, "Annotation modify failed"),
    30000: ("INPUT_SUCCESS", 200, "Download complete"),
    30001: ("INPUT_PENDING", 200, "Download pending"),
    30002: ("INPUT_FAILED", 400, "Download failed; check URL"),
    30003: ("INPUT_IN_PROGRESS", 200, "Download in progress"),
    30100: ("INPUT_DUPLICATE", 400, "Input duplicate"),
    30102: ("INPUT_DOES_NOT_EXIST", 404, "Input does not exist"),
    30103: ("INPUT_PERMISSION_DENIED", 403, "Input permission denied"),
    30104: ("INPUT_INVALID_ARGUMENT", 400, "Input invalid argument"),
    39997: (
        "REQUEST_DISABLED_FOR_MAINTENANCE",
        503,
        (
            "Sorry, this type of request has been disabled for maintenance. Please try again in a"
            " few hours."
        ),
    ),
    39999: ("INPUT_INVALID_REQUEST", 400, "Input invalid request"),
    40003: ("CONCEPTS_INVALID_REQUEST", 400, "Invalid request"),
    40010: (
        "DATABASE_DUPLICATE_KEY",
        400,
        "Object has a duplicate ID; another object with same ID already exist",
    ),
    40030: (
        "RPC_REQUEST_QUEUE_FULL",
        503,
        "Sorry, the server is too busy at the moment. Please try again later",
    ),
    40031: (
        "RPC_SERVER_UNAVAILABLE",
        503,
        "Sorry, the server is unavailable at the moment. Please try again later",
    ),
    40032: (
        "RPC_REQUEST_TIMEOUT",
        504,
        "Sorry, your request has timed out. Please try your request again",
    ),
    40033: (
        "RPC_MAX_MESSAGE_SIZE_EXCEEDED",
        413,
        (
            "Sorry, the request sent is larger than the allowed limit. Please contact"
            " support@clarifai.com"
        ),
    ),
    98004: ("INTERNAL_SERVER_ISSUE", 500, "Internal server issue"),
    99009: ("INTERNAL_UNCATEGORIZED", 500, "Internal error"),
}

NOT_APPLIED = frozenset((10030, 39997, 40030))
"""Codes by which the service says that it has not even begun."""

NUMBERS: dict[str, int] = {
    "ZERO": 0,
    "INPUT_DOWNLOAD_SUCCESS": 30000,
    "INPUT_DOWNLOAD_PENDING": 30001,
    "INPUT_DOWNLOAD_FAILED": 30002,
    "INPUT_DOWNLOAD_IN_PROGRESS": 30003,
} | {name: code for code, (name, _, _) in CODES.items()}


def status(code: int, details: str = "") -> dict[str, Any]:
    """A status object."""
    _, _, description = CODES.get(code, ("", 0, ""))
    made: dict[str, Any] = {"code": code}
    if description:
        made["description"] = description
    if details:
        made["details"] = details
    return made


def http_status(code: int) -> int:
    """The HTTP status that an answer with this code has."""
    return CODES[code][1]
