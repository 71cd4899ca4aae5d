"""The commands, a file each: what can be given, what the help says, and what is done.

A file declares `app`. It is imported when its command is run, and with all the others
for the help of the whole program: so heavy modules are imported within the functions
that need it.
"""
