"""Labels as logs ask for them beside labels as the remote holds them, input by input.

logs ──read once──► parts on disk by input ──► a part in memory: groups of inputs
    ──listed ahead──► compared, in order

Memory holds one part and the groups under way, for logs of any size.
"""
