"""Writes lines of standard input to a topic, each purchase in other words that mean the same.

The keys of an object come in another order, with spaces and line ends between them; numbers are
written another way that is equal exactly; letters may be escaped. An event is keyed by its
customer_id; a line that is no JSON object goes as it is, without a key. Prints how many records
were written, and the partition of every key.
"""

import argparse
import json
import random
import re
import sys
from decimal import Context, Decimal, Inexact, setcontext
from typing import Any

from kafka import KafkaProducer

# A number that would change is an error.
EXACT = Context(prec=60, traps=[Inexact])
SPACES = ("", "", " ", "  ", "\t", "\n", "\r\n", " \n\t ")
HEADERS = [("origin", b"python"), ("origin", b"twice"), ("bytes", bytes(range(256))), ("", b"")]


def main() -> None:
    options = parse_options()
    setcontext(EXACT)
    chosen = random.Random(options.seed)
    lines = sys.stdin.buffer.read().split(b"\n")[:-1]
    partitions: dict[str, int] = {}
    # Slices that follow each other, so that the events of one key keep their order.
    size = -(-len(lines) // len(options.compression))
    for index, compression in enumerate(options.compression):
        start, end = index * size, (index + 1) * size
        write(lines[start:end], compression, options, chosen, partitions)
    print(json.dumps({"written": len(lines), "partitions": partitions}))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Writes purchases in other words.")
    parser.add_argument("--bootstrap", required=True, help="host:port of a broker")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--seed", required=True, help="repeats the choice of words")
    parser.add_argument(
        "--compression",
        nargs="+",
        default=["gzip"],
        choices=["none", "gzip", "snappy", "lz4", "zstd"],
        help="each for a part of the lines, in this order",
    )
    parser.add_argument(
        "--transaction",
        choices=["commit", "abort"],
        help="writes in a transaction, and ends it like this",
    )
    return parser.parse_args()


def write(
    lines: list[bytes],
    compression: str,
    options: argparse.Namespace,
    chosen: random.Random,
    partitions: dict[str, int],
) -> None:
    named = {"transactional_id": f"python-{options.topic}"} if options.transaction else {}
    producer = KafkaProducer(
        bootstrap_servers=options.bootstrap,
        acks="all",
        compression_type=None if compression == "none" else compression,
        linger_ms=20,
        allow_auto_create_topics=False,
        **named,
    )
    try:
        if options.transaction:
            producer.init_transactions()
            producer.begin_transaction()
        sent = []
        for line in lines:
            event = event_of(line)
            key = event.get("customer_id") if event is not None else None
            value = line if event is None else spaced(event, chosen).encode()
            key_bytes = key.encode() if isinstance(key, str) else None
            sent.append((key, producer.send(options.topic, value, key_bytes, headers=HEADERS)))
        producer.flush()
        for key, future in sent:
            partition = future.get(timeout=30).partition
            if key is not None and partitions.setdefault(key, partition) != partition:
                sys.exit(f"key {key} went to two partitions")
        if options.transaction == "commit":
            producer.commit_transaction()
        if options.transaction == "abort":
            producer.abort_transaction()
    finally:
        producer.close()


def event_of(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line.decode(), parse_float=Decimal, parse_int=Decimal)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def in_other_words(value: Any, chosen: random.Random) -> str:
    """JSON of the same value."""
    if isinstance(value, dict):
        return object_in_other_words(value, chosen)
    if isinstance(value, Decimal):
        return chosen.choice(forms_of(value))
    if isinstance(value, str):
        return text_in_other_words(value, chosen)
    return json.dumps(value)


def object_in_other_words(event: dict[str, Any], chosen: random.Random) -> str:
    items = list(event.items())
    chosen.shuffle(items)
    # Of a key that is there twice the last one counts.
    if items and chosen.random() < 0.1:
        items.insert(0, (items[-1][0], "not this one"))
    pairs = [f"{spaced(name, chosen)}:{spaced(each, chosen)}" for name, each in items]
    members = ",".join(pairs)
    return f"{{{members}{chosen.choice(SPACES)}}}"


def spaced(value: Any, chosen: random.Random) -> str:
    return chosen.choice(SPACES) + in_other_words(value, chosen) + chosen.choice(SPACES)


def text_in_other_words(text: str, chosen: random.Random) -> str:
    """As it is, with all escaped that is not ASCII, or with some letters escaped needlessly."""
    form = chosen.randrange(3)
    plain = json.dumps(text, ensure_ascii=form == 1)
    if form < 2 or "\\" in plain:
        return plain
    return re.sub(
        r"[a-z]",
        lambda letter: f"\\u{ord(letter[0]):04x}" if chosen.random() < 0.1 else letter[0],
        plain,
    )


def forms_of(number: Decimal) -> list[str]:
    """Ways to write a number; all of them are equal exactly."""
    short = f"{number.normalize():f}"
    longer = short + ("0" if "." in short else ".0")
    forms = [str(number), short, longer, f"{longer}0000", f"{short}E0", f"{short}e-00"]
    if number != 0:
        sign, digits, exponent = number.normalize().as_tuple()
        minus, whole, power = "-" if sign else "", "".join(map(str, digits)), int(exponent)
        forms += [
            f"{minus}{whole}E{power}",
            f"{minus}{whole}000e{power - 3:+d}",
            f"{minus}{whole[0]}.{whole[1:] or '0'}e{power + len(whole) - 1}",
            f"{minus}0.00{whole}E{power + len(whole) + 2:+d}",
        ]
    if any(Decimal(form) != number for form in forms):
        sys.exit(f"{number} was changed: {forms}")
    return forms


if __name__ == "__main__":
    main()
