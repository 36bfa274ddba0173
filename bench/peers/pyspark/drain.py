"""The drain on PySpark Structured Streaming: from_json with a schema, the rules as a filter, a streaming aggregation with its
state in the checkpoint. Arguments: bootstrap servers, topic, events, folder of checkpoint and scratch files, folder of jars."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

bootstrap, topic, _events, folder, jars = sys.argv[1:]

spark = (
    SparkSession.builder.master("local[2]")
    .appName("drain")
    .config("spark.driver.extraClassPath", f"{jars}/*")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.local.dir", f"{folder}/scratch")
    .config("spark.log.level", "ERROR")
    # The defaults are for a cluster: 200 tasks a batch, a page, and a zone that depends on the machine.
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .getOrCreate()
)

SCHEMA = """
    event_id STRING, timestamp TIMESTAMP, customer_id STRING, customer_segment STRING, product_id STRING,
    product_name STRING, product_category STRING, quantity INT, unit_price DECIMAL(18,2), total_amount DECIMAL(18,2),
    currency STRING, payment_method STRING, order_source STRING, device_type STRING,
    location STRUCT<country: STRING, city: STRING>, discount_percentage DECIMAL(5,2), is_new_customer BOOLEAN
"""
RULES = """
    length(event_id) BETWEEN 1 AND 128 AND timestamp IS NOT NULL AND customer_id IS NOT NULL
    AND coalesce(customer_segment, 'Basic') IN ('Premium', 'Standard', 'Basic')
    AND length(product_category) <= 256 AND length(currency) = 3
    AND quantity BETWEEN 1 AND 10000 AND unit_price >= 0 AND total_amount >= 0
    AND coalesce(discount_percentage, 0) BETWEEN 0 AND 100
    AND abs(unit_price * quantity * (1 - coalesce(discount_percentage, 0) / 100) - total_amount) <= 0.01
"""

totals = {}


def keep(changed, _batch_id):
    for row in changed.collect():
        totals[(row.day, row.currency, row.product_category)] = (row.total, row.transactions)


query = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", bootstrap)
    .option("subscribe", topic)
    .option("startingOffsets", "earliest")
    .option("maxOffsetsPerTrigger", 500_000)
    .load()
    .select(F.from_json(F.col("value").cast("string"), SCHEMA).alias("purchase"))
    .select("purchase.*")
    .where(RULES)
    .groupBy(F.to_date("timestamp").alias("day"), "currency", "product_category")
    .agg(F.sum("total_amount").alias("total"), F.count("*").alias("transactions"))
    .writeStream.outputMode("update")
    .option("checkpointLocation", f"{folder}/checkpoint")
    .trigger(availableNow=True)
    .foreachBatch(keep)
    .start()
)
query.awaitTermination()
accepted = sum(transactions for _, transactions in totals.values())
total = sum(total for total, _ in totals.values())
print(f'{{"accepted":{accepted},"total":{total}}}', flush=True)

# The JVM ends when its input does; waiting for it makes its processor time ours to see.
gateway = spark.sparkContext._gateway
spark.stop()
gateway.shutdown()
gateway.proc.stdin.close()
gateway.proc.wait()
