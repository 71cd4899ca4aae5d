"""`syncer run`: follows sources into lanes for months, and shows what it is doing."""
