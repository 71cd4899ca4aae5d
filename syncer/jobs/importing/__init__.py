"""Imports: label files into a change log, whole or not at all."""
