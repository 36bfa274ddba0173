"""Asks Apache Spark 4.0.0 (PyPI: pyspark==4.0.0, Java 17) what the expressions of cases.ts mean.

SPARK_QUESTIONS_FILE=$FILE node --test test/operators/expression/spark.test.ts
python test/operators/expression/spark/ask.py < $FILE > test/operators/expression/spark/answers.json
npx prettier --write test/operators/expression/spark/answers.json
"""

import json
import sys

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.ansi.enabled", "true")
    .config("spark.sql.shuffle.partitions", "1")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")

questions = json.load(sys.stdin)
table = (
    spark.createDataFrame(list(enumerate(questions["rows"])), "row INT, json STRING")
    .coalesce(1)
    .selectExpr("row", f"from_json(json, '{questions['ddl']}') AS event")
    .selectExpr("row", "event.*")
    .cache()
)
table.count()


def text(value):
    """As the test writes ours: plain decimals, ISO dates, doubles that read back."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value).replace("inf", "Infinity")
    return str(value)


def one(frame: DataFrame):
    try:
        return text(frame.collect()[0]["x"])
    except PySparkException as error:
        return {"error": error.getCondition() or "unknown"}


def ask(frame: DataFrame, sql: str, rows: int):
    asked = frame.selectExpr("row", f"{sql} AS x")
    type_name = dict(asked.dtypes)["x"]
    if type_name.startswith("decimal"):
        # On its way to Python a decimal loses the number of its decimals.
        asked = asked.withColumn("x", asked.x.cast("string"))
    try:
        values = [text(answer["x"]) for answer in sorted(asked.collect(), key=lambda answer: answer["row"])]
    except PySparkException:
        values = [one(asked.where(f"row = {row}")) for row in range(rows)]
    return {"type": type_name, "values": values}


single = spark.range(1).selectExpr("CAST(id AS INT) AS row")
answers = {}
for sql in questions["overRows"]:
    answers[sql] = ask(table, sql, len(questions["rows"]))
for sql in questions["alone"]:
    answers[sql] = ask(single, sql, 1)
json.dump(answers, sys.stdout, ensure_ascii=True, indent=1)
