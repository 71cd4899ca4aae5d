"""Status codes: what each means for a request and for one annotation. Codes that are
not here are never success.

Names and numbers are those of the official enum `status_code_pb2` (clarifai-grpc
12.6.0); what follows from each is ours.
"""

from __future__ import annotations

from enum import Enum, auto


class Meaning(Enum):
    """The meaning of a code, for a request or for one item."""

    OK = auto()
    MIXED = auto()
    """Some items failed: look at each."""
    FAILURE = auto()
    """All items failed: look at each, where there are any."""
    STORED = auto()
    """For an annotation: it is there, in any state of a review. Says nothing of a
    request.
    """
    THROTTLED = auto()
    BUSY = auto()
    """Certainly not applied; again later."""
    UNKNOWN = auto()
    """May have been applied."""
    PENDING = auto()
    """For an input: not ready yet."""
    REFUSED = auto()
    """Never, as it is."""
    TOO_LARGE = auto()
    DUPLICATE = auto()
    MISSING = auto()
    CREDENTIALS = auto()
    ACCOUNT = auto()
    """Only a human can help."""


SUCCESS = 10000
CODES_FROM = 10000
"""No code is below: what looks like one is another service's."""
CODES: dict[int, tuple[str, Meaning]] = {
    SUCCESS: ("SUCCESS", Meaning.OK),
    10010: ("MIXED_STATUS", Meaning.MIXED),
    10020: ("FAILURE", Meaning.FAILURE),
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
    11105: ("CONN_INVALID_RANGE", Meaning.ACCOUNT),
    11200: ("CONN_AUTH_METHOD_DISABLED", Meaning.CREDENTIALS),
    24150: ("ANNOTATION_SUCCESS", Meaning.STORED),
    24151: ("ANNOTATION_PENDING", Meaning.STORED),
    24152: ("ANNOTATION_FAILED", Meaning.BUSY),
    24154: ("ANNOTATION_UNKNOWN_STATUS", Meaning.UNKNOWN),
    24155: ("ANNOTATION_INVALID_ARGUMENT", Meaning.REFUSED),
    24156: ("ANNOTATION_PERMISSION_DENIED", Meaning.REFUSED),
    24157: ("ANNOTATION_AWAITING_REVIEW", Meaning.STORED),
    24158: ("ANNOTATION_REVIEW_DENIED", Meaning.STORED),
    24159: ("ANNOTATION_AWAITING_CONSENSUS_REVIEW", Meaning.STORED),
    24250: ("ANNOTATION_MODIFY_SUCCESS", Meaning.STORED),
    24251: ("ANNOTATION_MODIFY_PENDING", Meaning.STORED),
    24252: ("ANNOTATION_MODIFY_FAILED", Meaning.BUSY),
    24900: ("METADATA_INVALID_PATCH_ARGUMENTS", Meaning.REFUSED),
    24901: ("METADATA_PARSING_ISSUE", Meaning.REFUSED),
    24902: ("METADATA_MANIPULATION_ISSUE", Meaning.REFUSED),
    30000: (
        "INPUT_SUCCESS",
        Meaning.UNKNOWN,
    ),  # the input is ready, which says nothing of an annotation
    30001: ("INPUT_PENDING", Meaning.PENDING),
    30002: ("INPUT_FAILED", Meaning.REFUSED),
    30003: ("INPUT_IN_PROGRESS", Meaning.PENDING),
    30100: ("INPUT_DUPLICATE", Meaning.DUPLICATE),
    30101: ("INPUT_UNSUPPORTED_FORMAT", Meaning.REFUSED),
    30102: ("INPUT_DOES_NOT_EXIST", Meaning.MISSING),
    30103: ("INPUT_PERMISSION_DENIED", Meaning.REFUSED),
    30104: ("INPUT_INVALID_ARGUMENT", Meaning.REFUSED),
    30105: ("INPUT_OVER_LIMIT", Meaning.REFUSED),
    30106: ("INPUT_INVALID_URL", Meaning.REFUSED),
    39997: ("REQUEST_DISABLED_FOR_MAINTENANCE", Meaning.BUSY),
    39998: ("INPUT_WRITES_DISABLED_FOR_MAINTENANCE", Meaning.BUSY),
    39999: ("INPUT_INVALID_REQUEST", Meaning.REFUSED),
    40003: ("CONCEPTS_INVALID_REQUEST", Meaning.REFUSED),
    40010: ("DATABASE_DUPLICATE_KEY", Meaning.DUPLICATE),
    40011: ("DATABASE_STATEMENT_TIMEOUT", Meaning.UNKNOWN),
    40013: ("DATABASE_DEADLOCK_DETECTED", Meaning.UNKNOWN),
    40015: ("DATABASE_FAIL_TO_GET_CONNECTIONS", Meaning.UNKNOWN),
    40016: ("DATABASE_TOO_MANY_CLIENTS", Meaning.UNKNOWN),
    40017: ("DATABASE_CONSTRAINT_VIOLATED", Meaning.REFUSED),
    # in the docs only, so the name is ours
    40019: ("OPERATION_ALREADY_PROCESSING", Meaning.BUSY),
    40021: ("DATABASE_CANCELED", Meaning.UNKNOWN),
    40030: ("RPC_REQUEST_QUEUE_FULL", Meaning.BUSY),
    40031: ("RPC_SERVER_UNAVAILABLE", Meaning.UNKNOWN),
    40032: ("RPC_REQUEST_TIMEOUT", Meaning.UNKNOWN),
    40033: ("RPC_MAX_MESSAGE_SIZE_EXCEEDED", Meaning.TOO_LARGE),
    40034: ("EXTERNAL_CONNECTION_ERROR", Meaning.UNKNOWN),
    40035: ("RPC_CANCELED", Meaning.UNKNOWN),
    40037: ("REQUEST_CANCELED_BY_USER", Meaning.UNKNOWN),
    41000: ("QUEUE_CONN_ERROR", Meaning.BUSY),
    41002: ("QUEUE_CLOSE_REQUEST_TIMEOUT", Meaning.BUSY),
    41003: ("QUEUE_CONN_CLOSED", Meaning.BUSY),
    41004: ("QUEUE_PUBLISH_ACK_TIMEOUT", Meaning.BUSY),
    41005: ("QUEUE_PUBLISH_ERROR", Meaning.BUSY),
    41006: ("QUEUE_SUBSCRIPTION_TIMEOUT", Meaning.BUSY),
    41007: ("QUEUE_SUBSCRIPTION_ERROR", Meaning.BUSY),
    41008: ("QUEUE_MARSHALLING_FAILED", Meaning.BUSY),
    41009: ("QUEUE_UNMARSHALLING_FAILED", Meaning.BUSY),
    41010: ("QUEUE_MAX_MSG_REDELIVERY_EXCEEDED", Meaning.BUSY),
    41011: ("QUEUE_ACK_FAILURE", Meaning.BUSY),
    69000: ("BILLING_INVALID_INFO", Meaning.ACCOUNT),
    69001: ("BILLING_MISSING_TOKENS", Meaning.ACCOUNT),
    90400: ("BAD_REQUEST", Meaning.REFUSED),
    90500: ("SERVER_ERROR", Meaning.BUSY),
    98004: ("INTERNAL_SERVER_ISSUE", Meaning.UNKNOWN),
    98005: ("INTERNAL_FETCHING_ISSUE", Meaning.UNKNOWN),
    98006: ("INTERNAL_DATABASE_ISSUE", Meaning.UNKNOWN),
    98008: ("INTERNAL_CONTEXT_CANCELED", Meaning.UNKNOWN),
    98009: ("INTERNAL_UNEXPECTED_TIMEOUT", Meaning.UNKNOWN),
    98010: ("INTERNAL_UNEXPECTED_V1", Meaning.UNKNOWN),
    98011: ("INTERNAL_UNEXPECTED_PANIC", Meaning.UNKNOWN),
    98012: ("INTERNAL_UNEXPECTED_SPIRE", Meaning.UNKNOWN),
    98013: ("INTERNAL_REDIS_UNAVAILABLE", Meaning.UNKNOWN),
    98014: ("INTERNAL_RESOURCE_EXHAUSTED", Meaning.UNKNOWN),
    98015: ("INTERNAL_REDIS_UNCATEGORIZED", Meaning.UNKNOWN),
    98016: ("INTERNAL_AWS_UNCATEGORIZED", Meaning.UNKNOWN),
    98017: ("INTERNAL_AZURE_UNCATEGORIZED", Meaning.UNKNOWN),
    98018: ("INTERNAL_VECTORDB_UNCATEGORIZED", Meaning.UNKNOWN),
    98019: ("INTERNAL_ORACLE_UNCATEGORIZED", Meaning.UNKNOWN),
    98020: ("INTERNAL_VULTR_UNCATEGORIZED", Meaning.UNKNOWN),
    98021: ("INTERNAL_GCP_UNCATEGORIZED", Meaning.UNKNOWN),
    99001: ("CONN_UNCATEGORIZED", Meaning.UNKNOWN),
    99002: ("MODEL_UNCATEGORIZED", Meaning.UNKNOWN),
    99003: ("INPUT_UNCATEGORIZED", Meaning.UNKNOWN),
    99004: ("ANNOTATION_UNCATEGORIZED", Meaning.UNKNOWN),
    99005: ("BILLING_UNCATEGORIZED", Meaning.UNKNOWN),
    99009: ("INTERNAL_UNCATEGORIZED", Meaning.UNKNOWN),
}

_INTERNAL = range(98000, 100000)
"""INTERNAL_* and *_UNCATEGORIZED, those of tomorrow included."""

NUMBERS = {
    "ZERO": 0,
    "INPUT_DOWNLOAD_SUCCESS": 30000,
    "INPUT_DOWNLOAD_PENDING": 30001,
    "INPUT_DOWNLOAD_FAILED": 30002,
    "INPUT_DOWNLOAD_IN_PROGRESS": 30003,
} | {name: code for code, (name, _) in CODES.items()}

STORED = frozenset(code for code, (_, meaning) in CODES.items() if meaning is Meaning.STORED)


def number(code: object) -> int | None:
    """A code as an integer, however it came: integer, numeric string or name. 0 if it
    is missing, None for an unknown name.
    """
    if isinstance(code, int):
        return code
    if isinstance(code, str) and code:
        if code in NUMBERS:
            return NUMBERS[code]
        return int(code) if code.isascii() and code.isdigit() and len(code) < 10 else None
    return 0


def meaning(code: int | None) -> Meaning | None:
    """Return what a code means; None for an unknown one."""
    if code is None:
        return None
    known = CODES.get(code)
    if known is not None:
        return known[1]
    return Meaning.UNKNOWN if code in _INTERNAL else None
