"""Lists of annotations as `syncer.core.ports.pull.Listing`s: what is asked, in which
parts, and when a part is whole.

Offset pages shift when something is deleted or added while they are read, and the
service has a cursor for inputs only (wire, 1.2). So a list is read by groups of inputs.
A group that fits on one page is a snapshot; one that does not is divided; a single
input of many pages is read until two passes agree. Each input is in one group, so
repeats are known within the group.
"""

from syncer.remotes.clarifai.listing.annotations import AnnotationListing
from syncer.remotes.clarifai.listing.datasets import DatasetInputs
from syncer.remotes.clarifai.listing.groups import GROUP_MAX

__all__ = ["GROUP_MAX", "AnnotationListing", "DatasetInputs"]
