"""Label files of every common format: files in, labels and what was noticed out.

No network, no remote, no tasks. `labels` has the values that all readers yield, and
`registry` the readers by the name of their format.
"""
