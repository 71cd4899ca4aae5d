"""The Python API: what the command line does, as coroutines and values. Works inside a
running event loop, a notebook's say.

    report = await syncer.push("changes.jsonl", syncer.Clarifai(app_id="labels"))
    report = await syncer.pull(syncer.Clarifai(app_id="labels"), "labels.parquet")

What is not given comes from where the command line takes it: `SYNCER_*`, the official
clients' variables, the config file.
"""
