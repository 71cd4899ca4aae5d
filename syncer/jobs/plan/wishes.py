"""The wishes in all that users name, by input, on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from syncer.core.change import Chunk
from syncer.errors import UsageError
from syncer.finish import finish
from syncer.formats.folders import list_files
from syncer.formats.labels import ReadOptions
from syncer.formats.rows import PARQUET_ENDINGS, BadTable, is_delta, list_parquet
from syncer.jobs.compare.parts import PartFiles, Recorded
from syncer.jobs.ours import name_logs
from syncer.jobs.plan.side_file import META_SUFFIX
from syncer.jobs.streams import standard_input
from syncer.sources.changelog import ChangeLog
from syncer.sources.lines import LineOptions
from syncer.sources.wish_file import UnreadableWish, parse_wishes

WISH_ENDING = ".json"
ROWS_AT_ONCE = 16
NOT_A_WISH = "a plan is made from what is wanted: posts, bare lines, deletes of whole inputs"
UNNAMED = ""
"""In the place of an id: a wish without one."""
Put = Callable[[str, Recorded], None]


@dataclass(slots=True)
class WishReader:
    """Reads everything that is named. Raises UsageError at the first thing that is not
    a wish: half a wanted state would plan the removal of the other half.
    """

    options: LineOptions
    spool: Path
    shared: Path
    """The [state] dir, with the states of pulls in it."""
    ignored: int = 0
    notes: list[str] = field(default_factory=list)

    def sizes(self, named: list[str]) -> int:
        """About how many bytes there are to read."""
        files = [file for name in named for file in _walk(Path(name))]
        return sum(
            file.stat().st_size * (10 if file.suffix in (".gz", *PARQUET_ENDINGS) else 1)
            for file in files
        )

    async def read(self, named: list[str], put: Put) -> None:
        """Give every wish, and every input that is wanted empty, to `put`."""
        logs = name_logs(self.spool, standard_input(), self.shared)
        for name in named:
            path = Path(name)
            wishes = list(_list_wishes(path))
            tables = _is_table(path)
            for file in wishes:
                self._read_wish_file(file, put)
            if tables:
                self._read_tables(path, put)
            if tables or (wishes and not _holds_logs(path)):
                continue
            for log in logs.of(name):
                await self._read_log(log.path, log.label, put)
        self.notes += logs.notes()

    def _read_wish_file(self, file: Path, put: Put) -> None:
        try:
            content = file.read_bytes()
            wish = parse_wishes(content, self.options)
        except (OSError, UnreadableWish) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"{file}: {why}. No plan was made") from None
        put(wish.input_id, ("delete_input", UNNAMED, b""))
        annotations = orjson.loads(content)["annotations"]
        own = {item.get("id") for item in annotations}
        for id, body in wish.wishes.items():
            put(wish.input_id, ("post", id if id in own else UNNAMED, body))
        self.ignored += len(annotations) - len(wish.wishes)

    def _read_tables(self, path: Path, put: Put) -> None:
        try:
            for file, opened in list_parquet(path, ReadOptions(), ROWS_AT_ONCE):
                with opened as table:
                    if "annotation" not in table.columns:
                        raise UsageError(
                            f"{file} has no column annotation, as the tables of `syncer pull"
                            " clarifai` have. No plan was made"
                        )
                    for row in table.rows:
                        if row.fault:
                            raise BadTable(row.fault)
                        if text := row.cells.get("annotation"):
                            self._read_bare(str(text).encode(), row.place, put)
        except (BadTable, OSError) as error:
            raise UsageError(f"{path}: {error}. No plan was made") from None

    def _read_bare(self, text: bytes, place: str, put: Put) -> None:
        try:
            annotation = orjson.loads(text)
            input_id = annotation["input_id"]
            document = orjson.dumps({"input_id": input_id, "annotations": [annotation]})
            wish = parse_wishes(document, self.options)
        except (orjson.JSONDecodeError, KeyError, TypeError, UnreadableWish) as error:
            raise UsageError(f"{place}: {error}. No plan was made") from None
        for id, body in wish.wishes.items():
            put(wish.input_id, ("post", id, body))
        self.ignored += not wish.wishes

    async def _read_log(self, path: str, label: str, put: Put) -> None:
        reader = ChangeLog(path, label, 0, self.options)
        try:
            while (chunk := await reader.read()) is not None:
                self._take(chunk, label, put)
        finally:
            await finish(reader.close)
        if reader.unfinished:
            raise UsageError(f"{reader.unfinished}. No plan was made")

    def _take(self, chunk: Chunk, label: str, put: Put) -> None:
        self.ignored += len(chunk.ignored)
        for bad in chunk.bad:
            raise UsageError(f"{label}:{bad.line}: {bad.reason}. No plan was made")
        for change in chunk.changes:
            if change.verb == "delete_input":
                put(change.input_id, ("delete_input", UNNAMED, b""))
                continue
            if change.verb != "post":
                raise UsageError(
                    f"{label}:{change.line}: it is a {change.op}: {NOT_A_WISH}. No plan was made"
                )
            wish = orjson.loads(change.body)
            wish.pop("input_id"), wish.pop("id")
            body = orjson.dumps(wish, option=orjson.OPT_SORT_KEYS)
            put(change.input_id, ("post", change.id if _has_id(change.raw) else UNNAMED, body))


def fold_wishes(input_id: str, recorded: list[Recorded]) -> tuple[dict[str, bytes], list[bytes]]:
    """Return the wishes of an input by id, and those without one.

    Raises UsageError for two wishes of one id.
    """
    named: dict[str, bytes] = {}
    nameless: list[bytes] = []
    for verb, id, body in recorded:
        if verb == "delete_input":
            continue
        if id == UNNAMED:
            nameless.append(body)
        elif named.setdefault(id, body) != body:
            raise UsageError(
                f"{input_id}/{id} is wanted with two contents: leave one out. No plan was made"
            )
    return named, nameless


def check_wishes(parts: PartFiles, into: PartFiles, keep: Callable[[str], bool]) -> tuple[int, int]:
    """Write each input's wishes once, into other parts; return how many inputs and
    wishes are left out. Raises UsageError as `fold_wishes` does.
    """
    inputs = left_out = 0
    for part in parts:
        for input_id, recorded in part.items():
            named, nameless = fold_wishes(input_id, recorded)
            if not keep(input_id):
                left_out += len(named) + len(nameless)
                continue
            inputs += 1
            into.put(input_id, ("delete_input", UNNAMED, b""))
            for id, body in named.items():
                into.put(input_id, ("post", id, body))
            for body in nameless:
                into.put(input_id, ("post", UNNAMED, body))
    into.write()
    return inputs, left_out


def _has_id(raw: bytes) -> bool:
    value = orjson.loads(raw)
    return "id" in (value["annotation"] if "op" in value else value)


def _is_table(path: Path) -> bool:
    if path.is_dir():
        return is_delta(path) or any(True for _ in list_files(path, PARQUET_ENDINGS))
    return path.name.lower().endswith(PARQUET_ENDINGS)


def _list_wishes(path: Path) -> Iterator[Path]:
    if path.is_dir():
        if not is_delta(path):
            files = list_files(path, (WISH_ENDING,))
            yield from (file for file in files if not file.name.endswith(META_SUFFIX))
    elif path.name.endswith(WISH_ENDING):
        yield path


def _holds_logs(path: Path) -> bool:
    return path.is_dir() and any(True for _ in list_files(path, (".jsonl", ".jsonl.gz")))


def _walk(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from list_files(path, (".jsonl", ".jsonl.gz", WISH_ENDING, *PARQUET_ENDINGS))
    elif path.is_file():
        yield path
