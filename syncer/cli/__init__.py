"""The command line: results on stdout, everything else on stderr, exit codes that
scripts can rely on.
"""
