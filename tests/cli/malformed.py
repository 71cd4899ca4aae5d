"""Tables of malformed things, made by hand: what is wrong, and what is said of it."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

from syncer.cli.app import COMMANDS

SOURCE = '[[sources]]\nname = "a"\nkind = "changelog"\npath = "a"\n'

# What is said of several of them.
ADDRESS = "it must be a string with an http:// or https:// address"
LISTEN = 'it must be a string with host and port, like "127.0.0.1:9464"'
BAD_INPUT_ID = '"input_id" must be a string that is not empty'
BAD_EXPECT = '"expect" must be exactly {"digest": "<32 hex digits>"}'
BAD_ID = '"id" must be a string that is not empty: '

CONFIGS: list[tuple[str | bytes, int, str]] = [
    # syntax
    ("[push", 1, "is not TOML: Expected ']' at the end of a table declaration"),
    ("[push]\nbatch_size 3\n", 2, "is not TOML: Expected '=' after a key"),
    ("[push]\nbatch_size = \n", 2, "is not TOML: Invalid value"),
    ("[push]\nbatch_size = 1 2\n", 2, "is not TOML"),
    ("[push]\nbatch_size = 1\nbatch_size = 2\n", 3, "is not TOML: Cannot overwrite a value"),
    ("[push]\n[push]\n", 2, "is not TOML: Cannot declare ('push',) twice"),
    ("[push]\nlists_without_ids = 'send\n", 2, "is not TOML"),
    ('[state]\ndir = """\n', 2, "is not TOML: Unterminated string"),
    ('[state]\ndir = "\\q"\n', 2, "is not TOML: Unescaped"),
    ("[]\n", 1, "is not TOML"),
    ("{}", 1, "is not TOML"),
    (b"\x00", 1, "is not TOML"),
    (b"[push]\n\n# \xff\n", 3, "is not TOML: is not UTF-8"),
    (b"\xff\xfe[\x00p\x00", 1, "is not TOML: is not UTF-8"),
    ("x = " + "[" * 5000, 1, "is not TOML: is nested too deeply"),
    # keys
    ("[pusch]\n", 1, "pusch: no such key; did you mean push?"),
    ("[push]\nbatchsize = 3\n", 2, "push.batchsize: no such key; did you mean batch_size?"),
    ("[push]\nmax_attempts = 3\n", 2,
     "push.max_attempts: no such key here; did you mean [retry] max_attempts?"),
    ("batch_size = 3\n", 1, "batch_size: no such key here; did you mean [push] batch_size?"),
    ("[clarifai]\nwhatever = 3\n", 2, "clarifai.whatever: no such key; known are base_url"),
    ("[clarifai]\ntoken = 'x'\n", 2, "secrets do not belong in the config file: set CLARIFAI_PAT"),
    ("[annotell]\nclient_secret = 'x'\n", 2,
     "secrets do not belong in the config file: ANNOTELL_CREDENTIALS"),
    ("[daemon.more]\na = 1\n", 1, "daemon.more: no such key; known are listen, drain_seconds"),
    # types and ranges
    ("push = 3\n", 1, "push: is 3; it must be a table: [push]"),
    ("[[push]]\nbatch_size = 3\n", 1, "push: is a list; it must be a table: [push]"),
    ("[push]\nbatch_size = 0\n", 2, "is 0; it must be a whole number from 1 to 128"),
    ("[push]\nbatch_size = 129\n", 2, "is 129; it must be a whole number from 1 to 128"),
    ("[push]\nbatch_size = 1.5\n", 2, "is 1.5; it must be a whole number from 1 to 128"),
    ("[push]\nbatch_size = '64'\n", 2, 'is "64"; it must be a whole number from 1 to 128'),
    ("[push]\nbatch_size = true\n", 2, "is true; it must be a whole number from 1 to 128"),
    (f"[push]\nbatch_size = {'9' * 60}\n", 2,
     "is a number far too large; it must be a whole number from 1 to 128"),
    ("[push]\nrequests_per_second = -15\n", 2, 'is -15; it must be a number above 0, or "auto"'),
    ("[push]\nrequests_per_second = inf\n", 2, 'is inf; it must be a number above 0, or "auto"'),
    ("[push]\nconcurrency = 'many'\n", 2,
     'is "many"; it must be a whole number of 1 or more, or "auto"'),
    ("[push]\nlists_without_ids = 'ask'\n", 2, 'is "ask"; it must be "refuse" or "send"'),
    ("[retry]\nbase_seconds = nan\n", 2, "is nan; it must be a number of seconds above 0"),
    ("[retry]\ngive_up_seconds = -1\n", 2, "is -1; it must be a number of seconds, 0 or more"),
    ("[retry]\nmax_attempts = 2020-01-01\n", 2,
     "is a date or time; it must be a whole number of 1 or more"),
    ("[retry]\ncap_seconds = {a = 1}\n", 2,
     "is a table that does not fit; it must be a number of seconds above 0"),
    ("[clarifai]\nbase_url = 'api.clarifai.com'\n", 2, ADDRESS),
    ("[clarifai]\nbase_url = 'http://[::1'\n", 2, ADDRESS),
    ("[clarifai]\nbase_url = 'https://me:pw@host'\n", 2, ADDRESS),
    ("[clarifai]\nuser_id = ''\n", 2, "is an empty string; it must be a string that is not empty"),
    ("[annotell]\nflavour = 'vanilla'\n", 2, 'it must be "annotell" or "kognic"'),
    ("[state]\ndir = ''\n", 2, 'is ""; it must be a string with a path, not empty'),
    ('[state]\ndir = "a\\u0000b"\n', 2, "it must be a string with a path, not empty"),
    ('[clarifai]\ntoken_file = "a\\u0000b"\n', 2, "it must be a string with a file's path"),
    ("[daemon]\nlisten = '9464'\n", 2, LISTEN),
    ("[daemon]\nlisten = '127.0.0.1:99999'\n", 2, LISTEN),
    # sources
    ("sources = 3\n", 1, "is 3; it must be tables [[sources]], each with a name of its own"),
    ("[sources]\nname = 'a'\n", 1, "it must be tables [[sources]], each with a name of its own"),
    ("[[sources]]\nname = 'a'\n", 1,
     'sources[0]: is a table that does not fit; it must be a table with kind = "changelog"'),
    ("[[sources]]\nname = 'a'\nkind = 'mysql'\n", 1,
     "sources[0]: is a table that does not fit; it must be a table with kind = "),
    ("[[sources]]\nname = 'a'\nkind = 'sqlite'\npath = 'x'\n", 1,
     "sources[0].table: is missing; it must be a string that is not empty"),
    (SOURCE + "table = 't'\n", 5,
     'sources[0].table: no such key of this kind; it belongs to kind = "sqlite" or "postgres"'),
    (SOURCE + SOURCE, 6,
     "sources[1].name: is that of sources[0], too: give each a name of its own"),
    (SOURCE + "[[sources]]\nname = 'b'\nkind = 'postgres'\n"
     "table = 't'\ndsn = 'x'\ndsn_env = 'D'\n", 9, "name that with dsn_env"),
]  # fmt: skip

VARIABLES = [
    (
        "SYNCER_PUSH_BATCH_SIZE",
        "many",
        'push.batch_size: is "many"; it must be a whole number from 1 to 128',
    ),
    ("SYNCER_RETRY_BASE_SECONDS", "-1", 'is "-1"; it must be a number of seconds above 0'),
    ("SYNCER_PUSH_BATCHSIZE", "3", "no such variable; did you mean SYNCER_PUSH_BATCH_SIZE?"),
    ("SYNCER_CLARIFAI_TOKEN", "x", "no such variable; the token's is CLARIFAI_PAT"),
    (
        "CLARIFAI_API_BASE",
        "ftp://host",
        (
            "clarifai.base_url: begins with neither http:// nor https://; it must be a string with"
            " an http"
        ),
    ),
    ("CLARIFAI_API_BASE", "http://a b", ADDRESS),
    ("CLARIFAI_PAT", "two words", "this is not a token: it must be one word of ASCII"),
    ("CLARIFAI_PAT", " ", "the token is empty; put the token there, or set CLARIFAI_PAT"),
    ("ANNOTELL_CLIENT_ID", "x", "only one of the two is set; both are needed"),
    (
        "ANNOTELL_CREDENTIALS",
        "gone.json",
        (
            "the file with the credentials cannot be read (No such file or directory); name a"
            " readable file"
        ),
    ),
]

LINES: list[tuple[bytes, str]] = [
    # not JSON, not UTF-8
    (b"hello", "not JSON: "),
    (b"{", "not JSON: "),
    (b'{"op":"post"', "not JSON: "),
    (b'{"op":"post",}', "not JSON: "),
    (b"{'op':'post'}", "not JSON: "),
    (b'{"op":"post"}{"op":"post"}', "not JSON: "),
    (b'{"op":NaN}', "not JSON: "),
    (b'{"n":1e999,"op":"post","annotation":{"input_id":"i"}}', "not JSON: "),
    (b'{"n":01}', "not JSON: "),
    (b'\xef\xbb{"op":"post","annotation":{"input_id":"i"}}', "not UTF-8: "),
    (b'{"op":"post","annotation":{"input_id":"i","id":"\\ud800"}}', "not JSON: "),
    (b'{"op":"post","annotation":{"input_id":"i","id":"a\tb"}}', "not JSON: "),
    (b"[" * 5000, "not JSON: "),
    (b'{"op":"post","annotation":{"input_id":"\xff"}}', "not UTF-8: byte 40 of the line"),
    (b"\x00\x01\x02", "not JSON: "),
    # not an object, not a change
    (b"[]", "not a JSON object"),
    (b'"post"', "not a JSON object"),
    (b"3", "not a JSON object"),
    (b"null", "not a JSON object"),
    (b"{}", 'no "op", and no "input_id" of a bare annotation'),
    (b'{"annotation":{"input_id":"i"}}', 'no "op", and no "input_id" of a bare annotation'),
    (b'{"op":"psot","annotation":{"input_id":"i"}}', "unknown op 'psot'; did you mean post?"),
    (b'{"op":"upsert","annotation":{"input_id":"i"}}', "unknown op 'upsert'; did you mean post?"),
    (b'{"op":"POST","annotation":{"input_id":"i"}}',
     "unknown op 'POST'; it is one of post, patch, delete"),
    (b'{"op":null,"annotation":{"input_id":"i"}}',
     '"op" must be a string, one of post, patch, delete'),
    (b'{"op":["post"],"annotation":{"input_id":"i"}}',
     '"op" must be a string, one of post, patch, delete'),
    (b'{"op":"post"}', 'no "annotation"'),
    (b'{"op":"post","annotation":null}', '"annotation" must be an object'),
    (b'{"op":"post","annotation":[{"input_id":"i"}]}', '"annotation" must be an object'),
    (b'{"op":"post","annotation":"i"}', '"annotation" must be an object'),
    # ids
    (b'{"op":"post","annotation":{}}', 'no "input_id"'),
    (b'{"op":"post","annotation":{"id":"a"}}', 'no "input_id"'),
    (b'{"op":"post","annotation":{"input_id":""}}', BAD_INPUT_ID),
    (b'{"op":"post","annotation":{"input_id":7}}', BAD_INPUT_ID),
    (b'{"op":"post","annotation":{"input_id":["i"]}}', BAD_INPUT_ID),
    (b'{"op":"post","annotation":{"input_id":"i","id":""}}', BAD_ID),
    (b'{"op":"post","annotation":{"input_id":"i","id":null}}', BAD_ID),
    (b'{"op":"delete","annotation":{"input_id":"i","id":""}}', BAD_ID),
    (b'{"op":"delete","annotation":{"input_id":"i","id":null}}', BAD_ID),
    (b'{"op":"delete","annotation":{"input_id":"i","id":7}}', BAD_ID),
    (b'{"op":"delete","annotation":{}}', 'no "input_id"'),
    (b'{"input_id":"","data":{}}', BAD_INPUT_ID),
    (b'{"input_id":"i","id":5}', BAD_ID),
    # patches
    (b'{"op":"patch","action":"merge","annotation":{"input_id":"i"}}',
     'a patch needs the annotation\'s "id"'),
    (b'{"op":"patch","annotation":{"input_id":"i","id":"a"}}',
     'a patch needs an "action": merge, overwrite or remove'),
    (b'{"op":"patch","action":"merg","annotation":{"input_id":"i","id":"a"}}',
     "unknown action 'merg'; did you mean merge?"),
    (b'{"op":"patch","action":1,"annotation":{"input_id":"i","id":"a"}}',
     '"action" must be a string, one of merge, overwrite, remove'),
    # what it was planned against
    *(
        (b'{"op":"delete","annotation":{"input_id":"i","id":"a"},"expect":%s}' % expect, BAD_EXPECT)
        for expect in (b"null", b"{}", b'"x"', b'["x"]', b'{"digest":null}', b'{"digest":"0f"}',
                       b'{"digest":"%s"}' % (b"0" * 33), b'{"digest":"%s"}' % (b"g" * 32),
                       b'{"digest":"%s","of":1}' % (b"0" * 32))
    ),
    (b'{"op":"patch","action":"merge","annotation":{"input_id":"i","id":"a"},"expect":7}',
     BAD_EXPECT),
    (b'{"op":"post","annotation":{"input_id":"i","id":"a"},"expect":{"digest":"%s"}}' % (b"0" * 32),
     '"expect" belongs to a patch, or to a delete with id, not to a post'),
    (b'{"op":"delete","annotation":{"input_id":"i"},"expect":{"digest":"%s"}}' % (b"0" * 32),
     '"expect" belongs to a patch, or to a delete with id, not to a delete of a whole input'),
    (b'{"input_id":"i","id":"a","expect":{"digest":"%s"}}' % (b"0" * 32),
     '"expect" belongs to a patch, or to a delete with id, not to a bare annotation'),
    (b'{"op":"post","action":"merge","annotation":{"input_id":"i"}}',
     '"action" belongs to a patch, not to a post'),
    (b'{"op":"delete","action":"remove","annotation":{"input_id":"i"}}',
     '"action" belongs to a patch, not to a delete'),
    (
        b'{"op":"patch","action":"merge","annotation":'
        b'{"input_id":"i","id":"a","data":{"regions":[{"value":1}]}}}',
        "annotation.data.regions[0] has no id, so the patch cannot be repeated safely: "
        "give ids, use the action overwrite",
    ),
    (
        b'{"op":"patch","action":"remove","annotation":'
        b'{"input_id":"i","id":"a","data":{"metadata":{"n":[1]}}}}',
        "annotation.data.metadata.n[0] has no id",
    ),
    (
        b'{"op":"patch","action":"merge","annotation":{"input_id":"i","id":"a","data":'
        + b'{"a":' * 1015 + b"1" + b"}" * 1017,
        "nested far deeper than any annotation",
    ),
]  # fmt: skip


def no_log(name: str) -> Callable[[Path], str]:
    """A log that is not there."""
    return lambda folder: name


def log_of(name: str, content: bytes) -> Callable[[Path], str]:
    """A log with this content."""

    def made(folder: Path) -> str:
        (folder / name).write_bytes(content)
        return name

    return made


def pipe(folder: Path) -> str:
    """What a shell makes of `<(command)`."""
    os.mkfifo(folder / "pipe")
    return "pipe"


def empty_folder(folder: Path) -> str:
    """A folder without logs."""
    (folder / "none").mkdir()
    return "none"


ZIPPED = gzip.compress(b'{"op":"delete","annotation":{"input_id":"i"}}\n' * 5000)

LOGS: list[tuple[Callable[[Path], str], int, str]] = [
    (no_log("gone.jsonl"), 2, "there is no change log gone.jsonl"),
    (empty_folder, 2, "the folder none holds no change log (.jsonl or .jsonl.gz)"),
    (
        pipe,
        2,
        "the change log pipe is not a file but a pipe or a device: pipe it in, and name - for it",
    ),
    (
        log_of(os.fsdecode(b"\xff.jsonl"), b"{}\n"),
        2,
        "the name of the change log \\udcff.jsonl is not UTF-8, so no state can hold it: rename it",
    ),
    (
        log_of("a.jsonl.gz", b"PK\3\4\0\0"),
        2,
        "a.jsonl.gz is not a change log: the file is a zip archive",
    ),
    (
        log_of("a.jsonl", b"bad\n" * 10_000),
        2,
        "a.jsonl is not a change log: its first 10,000 lines are all bad (line 1: not JSON: ",
    ),
    (
        log_of("a.jsonl.gz", ZIPPED[:-8] + b"\xff" * 8),
        1,
        ": the compressed data is damaged (incorrect data check)",
    ),
    (log_of("a.jsonl.gz", ZIPPED[:200]), 0, "a.jsonl.gz:"),
    (
        log_of("a.jsonl", b'{"op":'),
        0,
        "a.jsonl:1: the last line has no line ending and is not complete JSON",
    ),
]

COMMAND_LINES: list[tuple[list[str], str]] = [
    # commands
    (["pussh"],
     f"the commands of `syncer` are {', '.join(sorted(COMMANDS))}; did you mean push?"),
    (["Push"], "; did you mean push?"),
    ([""], "an empty argument follows syncer"),
    (["help"], 'unknown command "help": the commands of `syncer` are '),
    (["--bogus"], "unexpected option --bogus: give the command first, then its options"),
    (["-c", "x.toml", "push"], "unexpected option -c: give the command first, then its options"),
    (["config", "chek"],
     'unknown command "chek": the commands of `syncer config` are check, show; '
     "did you mean check?"),
    (["config", "--json"], "unexpected option --json: give the command first, then its options"),
    (["dead", "lst"],
     'unknown command "lst": the commands of `syncer dead` are drop, list, retry, show; '
     "did you mean list?"),
    (["state", "frget"], "; did you mean forget?"),
    # options that are none
    (["push", "--bogus"], "unknown option --bogus"),
    (["push", "--baseurl", "x"], "unknown option --baseurl; did you mean --base-url?"),
    (["push", "--batch_siz", "3"], "unknown option --batch_siz; did you mean --batch-size?"),
    (["push", "--no-strict"], "unknown option --no-strict; did you mean --strict?"),
    (["push", "-z"], "unknown option -z"),
    (["push", "-nz"], "-z"),
    (["push", "---"], "unknown option ---"),
    (["push", "--=x"], "unknown option --"),
    (["push", "--JSON"], "unknown option --JSON"),
    (["status", "--batch-size", "3"], "unknown option --batch-size"),
    # values that are missing, or too many
    (["push", "--batch-size"], "--batch-size needs a value"),
    (["push", "--state", "--json"], "--state needs a value"),
    (["push", "-c"], "-c needs a value"),
    (["push", "--rps", "1", "--rps", "2"], "--rps is given more than once"),
    (["push", "-nn"], "-n is given more than once"),
    (["state", "forget"], "name the logs to forget, as `syncer status` shows them"),
    (["state", "move", "log.jsonl"], "NEW is missing"),
    (["completion"], "SHELL is missing"),
    (["config", "show", "extra"],
     '`syncer config show` takes no further argument, but "extra" follows'),
    (["status", "folder"], '`syncer status` takes no further argument, but "folder" follows'),
    (["demo", "extra"], '`syncer demo` takes no further argument, but "extra" follows'),
    # values that do not fit
    (["push", "--batch-size", "ten"],
     'option --batch-size: push.batch_size: is "ten"; it must be a whole number from 1 to 128'),
    (["push", "--batch-size=1.5"],
     'option --batch-size: push.batch_size: is "1.5"; it must be a whole number from 1 to 128'),
    (["push", "--batch-size", "0"],
     'option --batch-size: push.batch_size: is "0"; it must be a whole number from 1 to 128'),
    (["push", "--batch-size", "129"],
     'option --batch-size: push.batch_size: is "129"; it must be a whole number from 1 to 128'),
    (["push", "--batch-size", "9" * 5000], "option --batch-size: push.batch_size: is "),
    (["push", "--rps", "fast"],
     'option --rps: push.requests_per_second: is "fast"; it must be a number above 0, or "auto"'),
    (["push", "--rps", "0"],
     'option --rps: push.requests_per_second: is "0"; it must be a number above 0, or "auto"'),
    (["push", "--rps", "nan"],
     'option --rps: push.requests_per_second: is "nan"; it must be a number above 0, or "auto"'),
    (["push", "--concurrency", "-3"], "option --concurrency: push.concurrency: is "),
    (["push", "--concurrency", "1.5"],
     'option --concurrency: push.concurrency: is "1.5"; it must be a whole number of 1 or more'),
    (["push", "--max-attempts", "0"],
     'option --max-attempts: retry.max_attempts: is "0"; it must be a whole number of 1 or more'),
    (["push", "--base-url", "api.clarifai.com"],
     "option --base-url: clarifai.base_url: begins with neither http:// nor https://"),
    (["push", "--base-url", ""], "an empty argument follows --base-url"),
    (["push", ""], "an empty argument follows push"),
    (["push", "log.jsonl", "--state="], "an empty argument follows --state"),
    (["pull", "clarifai", "--out", "x.jsonl", "--dataset", ""],
     "an empty argument follows --dataset"),
    (["pull", "clarifai", "--out", "x.jsonl", "--by-user="], "an empty argument follows --by-user"),
    (["pull", "annotell", "--project", "p", "--batch", "", "--out", "x.jsonl"],
     "an empty argument follows --batch"),
    (["pull", "clarifai", "--out", ""], "an empty argument follows --out"),
    (["pull", "annotell", "--project", "p", "--out", "x.jsonl", "--rps", "auto"],
     "option --rps: annotell.requests_per_second: is "),
    (["push", "--strict=perhaps"],
     '--strict is "perhaps"; it must be left without a value, or true or false'),
    (["push", "--json=perhaps"],
     '--json is "perhaps"; it must be left without a value, or true or false'),
    (["completion", "tcsh"], 'SHELL is "tcsh"; it must be one of bash, zsh, fish'),
    (["emulator", "--port", "70000"], '--port is "70000"; it must be from 0 to 65535'),
    (["emulator", "--port", "http"], '--port is "http"; it must be a whole number'),
    (["emulator", "--rps", "-1"], '--rps is "-1"; it must be 0 or more'),
    (["emulator", "--latency", "nan"], '--latency is "nan"; it must be 0 or more'),
    (["emulator", "--seed", "1.5"], '--seed is "1.5"; it must be a whole number'),
    (["dead", "list", "--code", "10e3"], '--code is "10e3"; it must be a whole number'),
    (["dead", "show", "--", "a:1", "--json"],
     "--json follows --, after which there are no options"),
    (["pull", "clarifai"], "--out is missing"),
    (["pull", "clarifai", "--out", "x.jsonl", "--input-level", "kep"],
     "it must be one of keep, drop; did you mean keep?"),
    (["emulator", "--faults", "eror=0.1"], "did you mean error?"),
    (["emulator", "--faults", "error=2"], "error=2"),
    (["emulator", "--load", "labels.jsonl"], "give USER/APP=FILE"),
    (["emulator", "--load", "a/b=gone.jsonl"], "gone.jsonl"),
    # files and what is not configured
    (["push", "-c", "gone.toml"],
     "config file gone.toml: cannot be read (No such file or directory)"),
    (["push", "-c", "."], "config file .: cannot be read (Is a directory)"),
    (["push", "-n"], "a dry run needs the change logs: name files, folders, or - for stdin"),
    (["push", "-n", "gone.jsonl"], "there is no change log gone.jsonl"),
    (["push", "log.jsonl"], "no token: set CLARIFAI_PAT, or name a file in [clarifai] token_file"),
    (["status"], "no state at .syncer: name the folder with --state"),
    (["dead", "list", "--state", "gone"], "no state at gone: name the folder with --state"),
    (["state", "forget", "log.jsonl"], "no state at .syncer: name the folder with --state"),
    # paths that the system refuses
    (["push", "-n", "x" * 300], "x cannot be read: File name too long"),
    (["push", "-c", "x" * 300], "x: cannot be read (File name too long)"),
    (["pull", "clarifai", "--app-id", "a", "--out", "x" * 300 + ".jsonl"], "no token"),
    (["emulator", "--load", "u/a=" + "x" * 300], "x: File name too long"),
    (["config", "check", "--online"],
     "no token: set CLARIFAI_PAT, or name a file in [clarifai] token_file"),
]  # fmt: skip
