"""Adds up a topic of purchases: in another language, with another client and other decimals.

Every partition is read from its beginning to the end that it had at the start; what a transaction
has aborted is left out. An event id counts once. The form is that of `tallystream totals --json`.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Context, Decimal, Inexact, InvalidOperation, setcontext
from typing import Any

from kafka import KafkaConsumer, TopicPartition

CENT = Decimal("0.01")
# A sum that would have to be rounded is an error.
EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])

Event = dict[str, Any]


class Sums:
    """Totals and numbers of purchases by a key."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.rows: dict[tuple[str, ...], tuple[Decimal, int]] = {}

    def add(self, key: tuple[str, ...], amount: Decimal) -> None:
        total, transactions = self.rows.get(key, (Decimal("0.00"), 0))
        self.rows[key] = (total + amount, transactions + 1)

    def listed(self) -> list[dict[str, Any]]:
        """In ascending order of date and currency, then of falling totals."""
        rows = sorted(self.rows.items(), key=lambda row: (row[0][:2], -row[1][0], row[0]))
        return [
            {**dict(zip(self.names, key)), "total": f"{total:f}", "transactions": transactions}
            for key, (total, transactions) in rows
        ]


def main() -> None:
    options = parse_options()
    setcontext(EXACT)
    running = Sums("currency")
    days = Sums("date", "currency")
    categories = Sums("date", "currency", "category")
    known: dict[str, Event] = {}
    read = 0
    for value in values_of(options.bootstrap, options.topic, options.seconds):
        read += 1
        event: Event = json.loads(value, parse_float=Decimal, parse_int=Decimal)
        first = known.setdefault(event["event_id"], event)
        if first is not event:
            if first != event:
                sys.exit(f"event {event['event_id']} is there twice, with other content")
            continue
        amount = cents(event["total_amount"])
        currency, category = event["currency"], event["product_category"]
        date = day_of(event["timestamp"])
        running.add((currency,), amount)
        days.add((date, currency), amount)
        categories.add((date, currency, category), amount)
    found = {
        "runningTotals": running.listed(),
        "days": days.listed(),
        "categories": categories.listed(),
        "read": read,
        "events": len(known),
    }
    print(json.dumps(found))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Adds up a topic of purchases.")
    parser.add_argument("--bootstrap", required=True, help="host:port of a broker")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--seconds", type=float, default=60, help="how long it may take")
    return parser.parse_args()


def values_of(bootstrap: str, topic: str, seconds: float) -> Iterator[bytes]:
    """Every value of the topic, a partition's in the order of their offsets."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        allow_auto_create_topics=False,
        check_crcs=True,
    )
    try:
        partitions = [TopicPartition(topic, each) for each in partitions_of(consumer, topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        starts = consumer.beginning_offsets(partitions)
        ends = consumer.end_offsets(partitions)
        if any(offset != 0 for offset in starts.values()):
            sys.exit(f"topic {topic} does not begin at its first record: {starts}")
        limit = time.monotonic() + seconds
        while any(consumer.position(each) < ends[each] for each in partitions):
            if time.monotonic() > limit:
                at = {each.partition: consumer.position(each) for each in partitions}
                sys.exit(f"topic {topic} was not read in {seconds} s: at {at}, ends {ends}")
            for partition, records in consumer.poll(timeout_ms=500).items():
                yield from (record.value for record in records if record.offset < ends[partition])
    finally:
        consumer.close()


def partitions_of(consumer: KafkaConsumer, topic: str) -> list[int]:
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        sys.exit(f"there is no topic {topic}")
    return sorted(partitions)


def cents(amount: Decimal) -> Decimal:
    """The amount with two decimals; one with more is an error."""
    return amount.quantize(CENT)


def day_of(timestamp: str) -> str:
    """The day of the timestamp in UTC."""
    at = datetime.fromisoformat(timestamp.upper().replace("Z", "+00:00"))
    return at.astimezone(timezone.utc).date().isoformat()


if __name__ == "__main__":
    main()
