# Databricks notebook source
"""Fetch Clarifai annotations into Spark, as JSON, as a DataFrame, and beside their
inputs; then push labels back.

In a notebook: `%pip install "label-syncer[spark]"` in a cell before, and the token from
a secret scope:

    os.environ["CLARIFAI_PAT"] = dbutils.secrets.get("clarifai", "pat")

Anywhere else, with Java 17 and pyspark 4, against the local stand-in for Clarifai:

    syncer emulator --port 8850 &
    CLARIFAI_PAT=any CLARIFAI_APP_ID=labels CLARIFAI_API_BASE=http://127.0.0.1:8850
    python examples/databricks_fetch.py
"""

# COMMAND ----------

import json
import os

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

import syncer
import syncer.spark

APP = os.environ["CLARIFAI_APP_ID"]
spark = SparkSession.builder.getOrCreate()  # on Databricks: the notebook's own
syncer.spark.register(spark)  # takes token, address and settings of this process along

# COMMAND ---------- Annotations in JSON format: the column `annotation` holds each one
# byte for byte as the service gave it.

labels = (
    spark.read.format("syncer").option("app_id", APP).load().cache()
)  # without cache every action asks Clarifai again

for row in labels.orderBy("input_id", "annotation_id").select("annotation").take(2):
    annotation = json.loads(row.annotation)
    print(
        "annotation",
        annotation["id"],
        "of",
        annotation["input_id"],
        "holds",
        sorted(annotation["data"]),
    )

first = labels.agg(F.min("input_id")).first()[0]
print(
    "of input",
    first,
    "alone:",
    spark.read.format("syncer").options(app_id=APP, input_ids=first).load().count(),
)

# COMMAND ----------
# Annotations as a DataFrame: the columns of the guide, and many more.

table = labels.select(
    "annotation_id",
    "annotation",
    "annotation_user_id",
    "input_id",
    "annotation_created_at",
    "annotation_modified_at",
)
print("annotations:", table.count(), "with", len(labels.columns), "columns")
labels.select(F.explode("concept_ids").alias("concept")).groupBy("concept").count().orderBy(
    "concept"
).show()

# COMMAND ---------- Inputs with their annotations: every input at least once, with
# nulls where it has none.

inputs = spark.read.format("syncer").options(app_id=APP, with_inputs=True).load().cache()
bare = inputs.where("annotation_id is null").select("input_id").cache()
print(
    "inputs:",
    inputs.select("input_id").distinct().count(),
    "of them without annotation:",
    bare.count(),
)

# COMMAND ---------- And back: a label for every input that has none. The id is ours, so
# that running this cell again changes nothing.

changes = bare.select(
    F.to_json(
        F.struct(
            F.lit("post").alias("op"),
            F.struct(
                F.concat(F.lit("todo-"), F.col("input_id")).alias("id"),
                "input_id",
                F.struct(
                    F.array(F.struct(F.lit("todo").alias("id"), F.lit(1).alias("value"))).alias(
                        "concepts"
                    )
                ).alias("data"),
            ).alias("annotation"),
        )
    ).alias("change")
)
results = syncer.spark.push_dataframe(changes, syncer.Clarifai(app_id=APP))
for row in results.groupBy("outcome").count().orderBy("outcome").collect():
    print("pushed:", row["count"], row.outcome)
for row in results.where("outcome = 'dead'").select("change", "reason").take(5):
    print("not applied:", row.reason, row.change)
