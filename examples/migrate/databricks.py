# Databricks notebook source
"""Move the labels of one app into another with Spark: rows are parted by the hash of
their input, and all tasks together keep the request limit.

In a notebook: `%pip install "label-syncer[spark]"` in a cell before, and both tokens
from a secret scope. Anywhere else, with Java 17 and pyspark 4, against the local
stand-in:

    syncer emulator --port 8850 --load me/old=examples/migrate/old.jsonl &
    OLD_APP=old NEW_APP=new OLD_PAT=a NEW_PAT=b CLARIFAI_API_BASE=http://127.0.0.1:8850
    python examples/migrate/databricks.py
"""

# COMMAND ----------

import json
import os

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

import syncer
import syncer.spark

spark = SparkSession.builder.getOrCreate()  # on Databricks: the notebook's own
os.environ["CLARIFAI_PAT"] = os.environ["OLD_PAT"]  # what reads; what writes has its own
syncer.spark.register(spark)
new = syncer.Clarifai(app_id=os.environ["NEW_APP"], token=os.environ["NEW_PAT"])

# COMMAND ---------- What users made, as the service gave it. In a job of many hours,
# write it to a table first: `labels.write.saveAsTable("labels")`.

labels = (
    spark.read.format("syncer")
    .options(app_id=os.environ["OLD_APP"], input_level="drop")
    .load()
    .select("input_id", "annotation_id", "annotation")
    .cache()
)

# COMMAND ---------- Where ids have to be unique per app, one that is on several inputs
# stays on the first of them; the others get ids of their content.


@F.udf("string")
def without_id(annotation: str) -> str:
    """The same annotation, to be posted under an id of its own."""
    return json.dumps({key: value for key, value in json.loads(annotation).items() if key != "id"})


first = labels.groupBy("annotation_id").agg(F.min("input_id").alias("first"))
posts = labels.join(first, "annotation_id").select(
    "input_id",
    F.when(F.col("input_id") == F.col("first"), F.col("annotation"))
    .otherwise(without_id("annotation"))
    .alias("annotation"),
)
results = syncer.spark.push_dataframe(posts, new)

# COMMAND ---------- What became of each.

for row in results.groupBy("outcome").count().orderBy("outcome").collect():
    print("pushed:", row["count"], row["outcome"])
for row in results.where("outcome <> 'applied'").take(20):
    print("not applied:", row.input_id, row.annotation_id, row.reason)
