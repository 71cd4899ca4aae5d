"""The SQL of an outbox table in SQLite, with an example of triggers."""

from __future__ import annotations

import re

TO_DO = "applied_at is null and error is null"
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_PARTS = re.compile(r"\b(TO_DO|NOW|TABLE|INDEX)\b")

_TABLE_SQL = """\
create table TABLE (
  id integer primary key autoincrement,
  change text not null,
  created_at text not null default (NOW),
  applied_at text,
  error text
);
create index INDEX on TABLE (id) where TO_DO;
"""
_TRIGGER_SQL = """\
-- An example: each row of "labels" is an annotation, whose id and input_id stay as they
-- are. SQLite has one writer at a time, so ids are in the order of commits.
create trigger labels_after_insert after insert on labels begin
  insert into TABLE (change) values (json_object('op', 'post', 'annotation', json_object(
    'id', new.id, 'input_id', new.input_id, 'data', json(new.data))));
end;
create trigger labels_after_update after update on labels begin
  insert into TABLE (change) values (json_object(
    'op', 'patch', 'action', 'overwrite', 'annotation', json_object(
    'id', new.id, 'input_id', new.input_id, 'data', json(new.data))));
end;
create trigger labels_after_delete after delete on labels begin
  insert into TABLE (change) values (json_object('op', 'delete', 'annotation', json_object(
    'id', old.id, 'input_id', old.input_id)));
end;
"""


def table_sql(table: str) -> str:
    """Return the statements that make an outbox table of this name."""
    return fill(_TABLE_SQL, table)


def trigger_sql(table: str) -> str:
    """Return an example of a trigger that writes to it."""
    return fill(_TRIGGER_SQL, table)


def fill(sql: str, table: str) -> str:
    """Return SQL with the name of a table, and what belongs to it, in their places."""
    parts = {"TO_DO": TO_DO, "NOW": _NOW, "TABLE": quote(table), "INDEX": quote(f"{table}_to_do")}
    return _PARTS.sub(lambda found: parts[found[0]], sql)


def quote(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
