"""The SQL of an outbox table in PostgreSQL, with an example of a trigger."""

from __future__ import annotations

import re

CHANNEL_BYTES_MAX = 63
"""Of an identifier, in PostgreSQL."""
TO_DO = "applied_at is null and error is null"
_PARTS = re.compile(r"\b(TABLE|TO_DO|KEY|INDEX|CHANNEL)\b")
_KEY = "md5(concat_ws('|', id, created_at::text, change::text))"

_TABLE_SQL = """\
create table TABLE (
  id bigint generated always as identity primary key,
  change jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  applied_at timestamptz,
  error text
);
create index INDEX on TABLE (id) where TO_DO;
"""
_TRIGGER_SQL = """\
-- An example: each row of "labels" is an annotation, whose id and input_id stay as they
-- are. The change of a row holds its lock until the transaction ends, so the changes of
-- one annotation have ids in the order of commits.
create function labels_to_outbox() returns trigger language plpgsql as $$
declare
  change jsonb;
begin
  if tg_op = 'DELETE' then
    change := jsonb_build_object('op', 'delete', 'annotation', jsonb_build_object(
      'id', old.id, 'input_id', old.input_id));
  else
    change := jsonb_build_object('op', 'post', 'annotation', jsonb_build_object(
      'id', new.id, 'input_id', new.input_id, 'data', new.data));
    if tg_op = 'UPDATE' then
      change := change || '{"op": "patch", "action": "overwrite"}';
    end if;
  end if;
  insert into TABLE (change) values (change);
  perform pg_notify('CHANNEL', '');
  return null;
end $$;
create trigger labels_after_change after insert or update or delete on labels
  for each row execute function labels_to_outbox();
"""


def table_sql(table: str) -> str:
    """Return the statements that make an outbox table of this name."""
    return fill(_TABLE_SQL, table)


def trigger_sql(table: str) -> str:
    """Return an example of a trigger that writes to it."""
    return fill(_TRIGGER_SQL, table)


def fill(sql: str, table: str) -> str:
    """Return SQL with the name of a table, and what belongs to it, in their places."""
    parts = {
        "TABLE": quote(table),
        "TO_DO": TO_DO,
        "KEY": _KEY,
        "INDEX": quote(f"{table.rpartition('.')[2]}_to_do"),
        "CHANNEL": channel_of(table).replace("'", "''"),
    }
    return _PARTS.sub(lambda found: parts[found[0]], sql)


def quote(table: str) -> str:
    """Return the name of a table, perhaps with that of its schema, as SQL has it."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split(".", 1))


def channel_of(table: str) -> str:
    """Return the channel by which an application tells that there are rows."""
    return f"syncer_{table}".encode()[:CHANNEL_BYTES_MAX].decode("utf-8", "ignore")
