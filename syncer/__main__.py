"""`python -m syncer`."""

from syncer.cli.main import main

main()
