"""Spark and Databricks: a data source to read with, and `push_dataframe`
(docs/spark.md). Needs pyspark 4 or newer, which a cluster brings.

syncer.spark.register(spark)
labels = spark.read.format("syncer").option("app_id", "labels").load()
results = syncer.spark.push_dataframe(changes, syncer.Clarifai(app_id="labels"))
"""

try:
    import pyspark.sql.datasource  # noqa: F401 - whether it is there
except ModuleNotFoundError as missing:
    raise ImportError(
        f"syncer.spark needs {missing.name}: on a cluster pyspark 4 or newer, elsewhere pip install"
        " 'pyspark>=4' 'label-syncer[spark]'"
    ) from None

from syncer.spark.push import push_dataframe
from syncer.spark.source import register

__all__ = ["push_dataframe", "register"]
