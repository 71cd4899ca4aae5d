"""Clarifai's v2 annotations over JSON (wire facts: the official protos and client,
clarifai-grpc 12.6.0).
"""

from syncer.remotes.clarifai.codec import Clarifai
from syncer.remotes.clarifai.digest import digest_annotation
from syncer.remotes.clarifai.same import same_annotation

__all__ = ["Clarifai", "digest_annotation", "same_annotation"]
