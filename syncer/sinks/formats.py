"""The formats that a pull can write, by the names that users give them."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal["jsonl", "csv", "parquet", "delta"]
FORMATS: tuple[Format, ...] = get_args(Format)
