"""
What the cases ask of a client. Each client's file has these three classes in its own words; what it cannot do is absent, and so
are the cases that need it. Everything blocks; time-outs are in seconds, times in ms since 1970.
"""

from dataclasses import dataclass, field
from typing import Optional

EARLIEST = "earliest"
LATEST = "latest"

# Kafka's error codes that the cases expect.
OFFSET_OUT_OF_RANGE = 1
UNKNOWN_TOPIC_OR_PARTITION = 3
MESSAGE_TOO_LARGE = 10
INVALID_TOPIC = 17
TOPIC_ALREADY_EXISTS = 36
INVALID_PARTITIONS = 37
NON_EMPTY_GROUP = 68
FENCED_INSTANCE_ID = 82


class Refused(Exception):
    """Kafka's error, whatever the client makes of it."""

    def __init__(self, code, what=""):
        super().__init__(f"error {code} {what}")
        self.code = code


@dataclass
class Record:
    value: Optional[bytes]
    key: Optional[bytes] = None
    headers: list = field(default_factory=list)
    timestamp: Optional[int] = None
    partition: int = 0
    offset: Optional[int] = None


class Admin:
    """create_topic(name, partitions, configs), delete_topic(name), topics() -> names, partitions(topic) -> count,
    create_partitions(topic, count), topic_configs(topic) -> {name: value}, cluster() -> (id, controller, [(node, host, port)]),
    groups() -> names, group(name) -> (state, [(client id, [partitions])]), delete_group(name),
    group_offsets(name) -> {(topic, partition): (offset, metadata)}, set_group_offset(name, topic, partition, offset), close()"""


class Producer:
    """Producer(bootstrap, acks, idempotent, codec, linger_ms): send(topic, record) keeps a place in line and may block,
    flush() -> the offsets of all records sent since the last flush, in order sent; raises Refused for the first that failed.
    close()"""


class Consumer:
    """Consumer(bootstrap, group, reset, assignor, instance, fetch_bytes): assign(topic, {partition: offset or EARLIEST or LATEST}),
    subscribe(topic), poll() -> Records within half a second, assignment() -> partitions, commit({partition: (offset, metadata)}),
    seek(partition, offset), pause(partition), resume(partition), begin(partition), end(partition),
    offset_at(partition, time) -> offset or None, read_missing(topic), close()"""
