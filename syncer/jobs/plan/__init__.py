"""The wanted state beside the remote, and the change log that leads from one to the
other.

logs, folders, files of wishes, tables ──► wishes by input, on disk
    ──► listed, compared ──► what differs, listed twice more ──► the plan, all or none
"""
