"""Status codes: what each means for a request and for one annotation. Codes that are not here are never success.

Names and numbers are those of the official enum `status_code_pb2` (clarifai-grpc 12.6.0); what follows from each is ours.
"""

from __future__ import annotations

from enum import Enum, auto


class Meaning(Enum):
    """What a code asks for."""

    OK = auto()
    MIXED = auto()
    """Look at the items."""
    THROTTLED = auto()
    BUSY = auto()
    """Certainly not applied; again later."""
    UNKNOWN = auto()
    """May have been applied."""
    PENDING = auto()
    """Of an input: not ready yet."""
    REFUSED = auto()
    """Never, as it is."""
    DUPLICATE = auto()
    MISSING = auto()
    CREDENTIALS = auto()
    ACCOUNT = auto()


CODES: dict[int, tuple[str, Meaning]] = {
    10000: ("SUCCESS", Meaning.OK),
    10010: ("MIXED_STATUS", Meaning.MIXED),
    10020: ("FAILURE", Meaning.MIXED),
    10030: ("TRY_AGAIN", Meaning.BUSY),
    10040: ("NOT_IMPLEMENTED", Meaning.ACCOUNT),
    10050: ("MOVED", Meaning.ACCOUNT),
    10070: ("ACCEPTED", Meaning.OK),
    11000: ("CONN_ACCOUNT_ISSUES", Meaning.ACCOUNT),
    11001: ("CONN_TOKEN_INVALID", Meaning.CREDENTIALS),
    11002: ("CONN_CREDENTIALS_INVALID", Meaning.CREDENTIALS),
    11003: ("CONN_EXCEED_HOURLY_LIMIT", Meaning.THROTTLED),
    11004: ("CONN_EXCEED_MONTHLY_LIMIT", Meaning.ACCOUNT),
    11005: ("CONN_THROTTLED", Meaning.THROTTLED),
    11006: ("CONN_EXCEEDS_LIMITS", Meaning.ACCOUNT),
    11007: ("CONN_INSUFFICIENT_SCOPES", Meaning.CREDENTIALS),
    11008: ("CONN_KEY_INVALID", Meaning.CREDENTIALS),
    11009: ("CONN_KEY_NOT_FOUND", Meaning.CREDENTIALS),
    11100: ("CONN_BAD_REQUEST_FORMAT", Meaning.REFUSED),
    11101: ("CONN_DOES_NOT_EXIST", Meaning.MISSING),
    11102: ("CONN_INVALID_REQUEST", Meaning.REFUSED),
    11103: ("CONN_METHOD_NOT_ALLOWED", Meaning.ACCOUNT),
    11104: ("CONN_NO_GDPR_CONSENT", Meaning.ACCOUNT),
    11105: ("CONN_RANGE_NOT_SATISFIABLE", Meaning.REFUSED),
    11200: ("CONN_AUTH_METHOD_DISABLED", Meaning.CREDENTIALS),
    24150: ("ANNOTATION_SUCCESS", Meaning.OK),
    24151: ("ANNOTATION_PENDING", Meaning.OK),
    24152: ("ANNOTATION_FAILED", Meaning.BUSY),
    24154: ("ANNOTATION_UNKNOWN_STATUS", Meaning.UNKNOWN),
    24155: ("ANNOTATION_INVALID_ARGUMENT", Meaning.REFUSED),
    24156: ("ANNOTATION_PERMISSION_DENIED", Meaning.REFUSED),
    24157: ("ANNOTATION_AWAITING_REVIEW", Meaning.OK),
    24158: ("ANNOTATION_REVIEW_DENIED", Meaning.OK),
    24159: ("ANNOTATION_AWAITING_CONSENSUS_REVIEW", Meaning.OK),
    24250: ("ANNOTATION_MODIFY_SUCCESS", Meaning.OK),
    24251: ("ANNOTATION_MODIFY_PENDING", Meaning.OK),
    24252: ("ANNOTATION_MODIFY_FAILED", Meaning.BUSY),
    24900: ("METADATA_INVALID_PATCH_ARGUMENTS", Meaning.REFUSED),
    24901: ("METADATA_PARSING_ISSUE", Meaning.REFUSED),
    24902: ("METADATA_MANIPULATION_ISSUE", Meaning.REFUSED),
    30000: ("INPUT_SUCCESS", Meaning.OK),
    30001: ("INPUT_PENDING", Meaning.PENDING),
    30002: ("INPUT_FAILED", Meaning.REFUSED),
    30003: ("INPUT_IN_PROGRESS", Meaning.PENDING),
    30100: ("INPUT_DUPLICATE", Meaning.DUPLICATE),
    30102: ("INPUT_DOES_NOT_EXIST", Meaning.MISSING),
    30103: ("INPUT_PERMISSION_DENIED", Meaning.REFUSED),
    30104: ("INPUT_INVALID_ARGUMENT", Meaning.REFUSED),
    30105: ("INPUT_OVER_LIMIT", Meaning.REFUSED),
    39997: ("REQUEST_DISABLED_FOR_MAINTENANCE", Meaning.BUSY),
    39999: ("INPUT_INVALID_REQUEST", Meaning.REFUSED),
    40003: ("CONCEPTS_INVALID_REQUEST", Meaning.REFUSED),
    40010: ("DATABASE_DUPLICATE_KEY", Meaning.DUPLICATE),
    40011: ("DATABASE_STATEMENT_TIMEOUT", Meaning.UNKNOWN),
    40013: ("DATABASE_DEADLOCK_DETECTED", Meaning.UNKNOWN),
    40015: ("DATABASE_FAIL_TO_GET_CONNECTIONS", Meaning.UNKNOWN),
    40016: ("DATABASE_TOO_MANY_CLIENTS", Meaning.UNKNOWN),
    40017: ("DATABASE_CONSTRAINT_VIOLATED", Meaning.REFUSED),
    40019: ("OPERATION_ALREADY_PROCESSING", Meaning.BUSY),
    40021: ("DATABASE_QUERY_CANCELED", Meaning.UNKNOWN),
    40030: ("RPC_REQUEST_QUEUE_FULL", Meaning.BUSY),
    40031: ("RPC_SERVER_UNAVAILABLE", Meaning.UNKNOWN),
    40032: ("RPC_REQUEST_TIMEOUT", Meaning.UNKNOWN),
    40033: ("RPC_MAX_MESSAGE_SIZE_EXCEEDED", Meaning.REFUSED),
    40035: ("RPC_CANCELED", Meaning.UNKNOWN),
    40037: ("CANCELED", Meaning.UNKNOWN),
    69000: ("BILLING_INVALID_INFO", Meaning.ACCOUNT),
    69001: ("BILLING_INVALID_REQUEST", Meaning.ACCOUNT),
    90400: ("BAD_REQUEST", Meaning.REFUSED),
    90500: ("SERVER_ERROR", Meaning.BUSY),
}

_RANGES: tuple[tuple[range, Meaning], ...] = (
    (range(41000, 41012), Meaning.BUSY),
    (range(98000, 99000), Meaning.UNKNOWN),
    (range(99000, 100000), Meaning.UNKNOWN),
)

NUMBERS = {name: code for code, (name, _) in CODES.items()}

STORED = frozenset(code for code, (name, meaning) in CODES.items() if meaning is Meaning.OK and name.startswith("ANNOTATION_"))
"""Item codes of an annotation that is there, in whatever state of a review."""


def number(code: object) -> int:
    """A code as an integer, however it came: integer, numeric string or name. 0 for what is none of them."""
    if isinstance(code, int):
        return code
    if isinstance(code, str):
        return int(code) if code.isascii() and code.isdigit() else NUMBERS.get(code, 0)
    return 0


def meaning(code: int) -> Meaning | None:
    """What a code asks for; None for an unknown one."""
    known = CODES.get(code)
    if known is not None:
        return known[1]
    return next((meaning for codes, meaning in _RANGES if code in codes), None)


def name(code: int) -> str:
    """The code's name where it has one here, else the number."""
    known = CODES.get(code)
    return known[0] if known is not None else f"code {code}"
