"""The faults of a command line, in one sentence that says what to give instead."""

from __future__ import annotations

import difflib
from typing import Literal, get_args, get_origin

from cyclopts import CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)
from cyclopts.token import Token

from syncer.cli.stdin import as_typed

_WANTED: dict[object, str] = {
    float: "it must be a number",
    bool: "it must be left without a value, or true or false",
}


def usage_message(error: CycloptsError) -> str:
    """Return what is wrong, and where to read on."""
    command = " ".join(("syncer", *(error.command_chain or ())))
    return f"{_fault(error, command)} (see `{command} --help`)"


def _fault(error: CycloptsError, command: str) -> str:
    unknown = as_typed(error.unused_tokens[0]) if error.unused_tokens else ""
    match error:
        case UnknownCommandError() if unknown.startswith("-"):
            return f"unexpected option {unknown}: give the command first, then its options"
        case UnknownCommandError(app=app):
            known = [] if app is None else [name for name in app if not name.startswith("-")]
            return (
                f'unknown command "{unknown}": the commands of `{command}` are'
                f" {', '.join(sorted(known))}{_suggest(unknown, known)}"
            )
        case UnknownOptionError(token=token):
            known = [
                name
                for argument in error.argument_collection
                if argument.parse
                for name in argument.names
            ]
            option = token.keyword or token.value
            return (
                f"{option} follows --, after which there are no options"
                if option in known
                else f"unknown option {option}{_suggest(option, known)}"
            )
        case UnusedCliTokensError():
            return f'`{command}` takes no further argument, but "{unknown}" follows'
        case MissingArgumentError(argument=argument, keyword=keyword):
            name = keyword or ("" if argument is None else argument.name)
            return (
                f"{name} needs a value"
                if keyword
                else f"{name if name.startswith('-') else name.upper()} is missing"
            )
        case RepeatArgumentError(token=token):
            return f"{token.keyword} is given more than once"
        case ValidationError(argument=argument) if argument is not None and argument.tokens:
            return f"{_quote_given(argument.tokens[0], argument.name)}; {error.exception_message}"
        case CoercionError(token=Token() as token, target_type=wanted):
            return (
                f"{_quote_given(token, error.argument.name if error.argument else '')};"
                f" {_name_wanted(wanted, token.value) or error.msg}"
            )
        case _:
            return str(error).rstrip(".")


def _quote_given(token: Token, name: str) -> str:
    return f'{token.keyword or name.upper()} is "{as_typed(token.value)}"'


def _name_wanted(wanted: object, given: str) -> str | None:
    if get_origin(wanted) is Literal:
        choices = [str(choice) for choice in get_args(wanted)]
        return f"it must be one of {', '.join(choices)}{_suggest(given, choices)}"
    return _WANTED.get(wanted)


def _suggest(given: str, known: list[str]) -> str:
    close = difflib.get_close_matches(given, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
