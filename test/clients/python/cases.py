"""The cases, in terms of clients.py. `all_cases` gives those that a client can do."""

import threading
import time
import uuid

from clients import (
    EARLIEST,
    FENCED_INSTANCE_ID,
    INVALID_PARTITIONS,
    INVALID_TOPIC,
    LATEST,
    MESSAGE_TOO_LARGE,
    NON_EMPTY_GROUP,
    TOPIC_ALREADY_EXISTS,
    UNKNOWN_TOPIC_OR_PARTITION,
    Record,
    Refused,
)
from harness import restart_server

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
CLIENT_ID = "clients-python"


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def equal(got, expected, what=""):
    if got != expected:
        raise AssertionError(f"{what} {str(got)[:500]} is not {str(expected)[:500]}")


def refused(code, ask):
    try:
        got = ask()
    except Refused as error:
        equal(error.code, code, "error")
        return
    raise AssertionError(f"not refused with {code}, but {got}")


def until(what, done, state):
    deadline = time.monotonic() + 60
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within a minute; there is {str(state())[:500]}")
        time.sleep(0.02)


def texts(start, end):
    return [str(index).encode() for index in range(start, end)]


def numbered(start, end, partition=0):
    return [Record(value, partition=partition) for value in texts(start, end)]


def values(records, partition=None):
    return [record.value for record in records if partition is None or record.partition == partition]


# The hundred records that every client writes and reads with each codec; see harness.ts.
INTEROP_RECORDS = [
    (
        None if index % 10 == 0 else f"key-{index}".encode(),
        None if index % 10 == 7 else f"value-{index}-{'ä' * index}".encode(),
    )
    for index in range(100)
]


class Member:
    """A member of a group, in a thread: commits what it was given after each poll."""

    def __init__(self, consumer, topic):
        self.consumer = consumer
        self.topic = topic
        self.got = []
        self.owned = []
        self.failure = None
        self.assignments = 0
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            self.consumer.subscribe(self.topic)
            while not self._leaving.is_set():
                records = self.consumer.poll()
                owned = sorted(self.consumer.assignment())
                if owned != self.owned:
                    self.assignments += 1
                    self.owned = owned
                self.got.extend(records)
                ends = {record.partition: (record.offset + 1, "") for record in records}
                if ends:
                    self.consumer.commit(ends)
        except Exception as error:
            self.failure = error
        finally:
            self.consumer.close()

    def leave(self):
        self._leaving.set()
        self._thread.join(30)
        if self.failure is not None:
            raise self.failure


class Cases:
    def __init__(self, make_admin, make_producer, make_consumer):
        self.make_admin = make_admin
        self.make_producer = make_producer
        self.make_consumer = make_consumer

    # What the cases share

    def with_admin(self, bootstrap, use):
        admin = self.make_admin(bootstrap)
        try:
            return use(admin)
        finally:
            admin.close()

    def create_topic(self, bootstrap, name, partitions=1):
        topic = unique(name)
        self.with_admin(bootstrap, lambda admin: admin.create_topic(topic, partitions, {}))
        return topic

    def produce(self, bootstrap, topic, records, **options):
        producer = self.make_producer(bootstrap, **options)
        try:
            for record in records:
                producer.send(topic, record)
            return producer.flush()
        finally:
            producer.close()

    def reader(self, bootstrap, topic, offsets, **options):
        consumer = self.make_consumer(bootstrap, **options)
        consumer.assign(topic, offsets)
        return consumer

    def read(self, bootstrap, topic, offsets, count, **options):
        consumer = self.reader(bootstrap, topic, offsets, **options)
        try:
            return self.poll(consumer, count)
        finally:
            consumer.close()

    def poll(self, consumer, count):
        got = []
        deadline = time.monotonic() + 60
        while len(got) < count:
            got += consumer.poll()
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(got)} records within a minute instead of {count}")
        equal(len(got), count, "records")
        return got

    def round_trip(self, bootstrap, topic, count, **options):
        offsets = self.produce(bootstrap, topic, numbered(0, count), **options)
        got = self.read(bootstrap, topic, {0: EARLIEST}, count)
        equal(values(got), texts(0, count))
        equal([record.offset for record in got], list(range(count)))
        return offsets

    def equal_every_other(self, bootstrap, topic, count):
        """Even numbers in partition 0, odd ones in 1."""
        got = self.read(bootstrap, topic, {0: EARLIEST, 1: EARLIEST}, count)
        for partition in (0, 1):
            equal(values(got, partition), texts(0, count)[partition::2])
        consumer = self.reader(bootstrap, topic, {0: EARLIEST, 1: EARLIEST})
        equal([consumer.end(0), consumer.end(1)], [(count + 1) // 2, count // 2])
        consumer.close()

    # Topics and the cluster

    def topic_lifecycle(self, bootstrap, _):
        topic = unique("lifecycle")

        def use(admin):
            admin.create_topic(topic, 3, {"retention.ms": "3600000"})
            equal(topic in admin.topics(), True)
            equal(admin.partitions(topic), 3)
            self.produce(bootstrap, topic, numbered(0, 10))
            admin.delete_topic(topic)
            until("the topic to go", lambda: topic not in admin.topics(), admin.topics)
            admin.create_topic(topic, 2, {})
            self.produce(bootstrap, topic, numbered(20, 23))
            got = self.read(bootstrap, topic, {0: EARLIEST}, 3)
            equal([(record.offset, record.value) for record in got], list(enumerate(texts(20, 23))))

        self.with_admin(bootstrap, use)

    def topic_errors(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "errors")

        def use(admin):
            refused(TOPIC_ALREADY_EXISTS, lambda: admin.create_topic(topic, 1, {}))
            refused(UNKNOWN_TOPIC_OR_PARTITION, lambda: admin.delete_topic("no-such-topic"))
            refused(INVALID_TOPIC, lambda: admin.create_topic("a b", 1, {}))
            refused(INVALID_PARTITIONS, lambda: admin.create_topic(unique("none"), 0, {}))

        self.with_admin(bootstrap, use)

    def create_partitions(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "grow")

        def use(admin):
            admin.create_partitions(topic, 4)
            until("four partitions", lambda: admin.partitions(topic) == 4, lambda: admin.partitions(topic))
            self.produce(bootstrap, topic, numbered(0, 5, 3))
            equal(values(self.read(bootstrap, topic, {3: EARLIEST}, 5)), texts(0, 5))
            refused(INVALID_PARTITIONS, lambda: admin.create_partitions(topic, 2))

        self.with_admin(bootstrap, use)

    def describe_configs(self, bootstrap, _):
        topic = unique("configs")

        def use(admin):
            admin.create_topic(topic, 1, {"retention.ms": "3600000"})
            configs = admin.topic_configs(topic)
            equal(configs["retention.ms"], "3600000")
            equal(configs["cleanup.policy"], "delete")
            equal(int(configs["max.message.bytes"]) >= 1_000_000, True)

        self.with_admin(bootstrap, use)

    def cluster(self, bootstrap, _):
        cluster_id, controller, brokers = self.with_admin(bootstrap, lambda admin: admin.cluster())
        equal(len(cluster_id) > 0, True)
        equal(controller in [node for node, _, _ in brokers], True)
        equal(bootstrap in [f"{host}:{port}" for _, host, port in brokers], True)

    def hundred_partitions(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "hundred", 100)
        records = [record for partition in range(100) for record in numbered(partition * 2, partition * 2 + 2, partition)]
        self.produce(bootstrap, topic, records, idempotent=True)
        got = self.read(bootstrap, topic, {partition: EARLIEST for partition in range(100)}, 200)
        for partition in range(100):
            equal(values(got, partition), texts(partition * 2, partition * 2 + 2))

    def unknown_topic(self, bootstrap, _):
        def ask():
            consumer = self.make_consumer(bootstrap, group=unique("unknown"))
            try:
                return consumer.read_missing(unique("no-such-topic"))
            finally:
                consumer.close()

        refused(UNKNOWN_TOPIC_OR_PARTITION, ask)

    # Records

    def records(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "records")
        at = 1_700_000_000_000
        sent = [
            Record(b"value", b"key", [("one", b"first"), ("many", b"a"), ("many", b"b"), ("empty", b"")], at),
            Record(b"no key", None, [], at + 1),
            Record(None, b"no value", [], at + 2),
            Record(b"", b"", [], at + 3),
            Record("値 🗻".encode(), "ключ".encode(), [("größe", "ß".encode())], at + 4),
        ]
        self.produce(bootstrap, topic, sent)
        got = self.read(bootstrap, topic, {0: EARLIEST}, len(sent))

        def form(record):
            return (record.key, record.value, [tuple(header) for header in record.headers], record.timestamp)

        equal([form(record) for record in got], [form(record) for record in sent])

    def codec(self, name):
        def case(bootstrap, _):
            self.round_trip(bootstrap, self.create_topic(bootstrap, name), 1000, codec=name, linger_ms=20)

        return case

    def big_records(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "big")
        big = [Record(str(index).encode() * 900_000) for index in range(5)]
        self.produce(bootstrap, topic, big)
        equal(values(self.read(bootstrap, topic, {0: EARLIEST}, 5)), values(big))
        refused(MESSAGE_TOO_LARGE, lambda: self.produce(bootstrap, topic, [Record(bytes(3_000_000))]))

    def acks_0(self, bootstrap, _):
        self.round_trip(bootstrap, self.create_topic(bootstrap, "acks"), 20, acks=0)

    def acks_1(self, bootstrap, _):
        offsets = self.round_trip(bootstrap, self.create_topic(bootstrap, "acks"), 20, acks=1)
        equal(offsets, list(range(20)))

    def acks_all(self, bootstrap, _):
        offsets = self.round_trip(bootstrap, self.create_topic(bootstrap, "acks"), 20, acks="all")
        equal(offsets, list(range(20)))

    def throughput(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "throughput", 2)
        records = [Record(str(index).encode(), partition=index % 2) for index in range(50_000)]
        self.produce(bootstrap, topic, records, idempotent=True, linger_ms=5)
        self.equal_every_other(bootstrap, topic, 50_000)

    def crash(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "crash", 2)
        producer = self.make_producer(bootstrap, idempotent=True, linger_ms=1)
        sent = 0

        def send_hundred():
            nonlocal sent
            for _ in range(100):
                producer.send(topic, Record(str(sent).encode(), partition=sent % 2))
                sent += 1
            time.sleep(0.001)

        while sent < 2_000:
            send_hundred()
        producer.flush()
        back = restart_server()
        while not back.is_set():
            send_hundred()
        for _ in range(20):
            send_hundred()
        producer.flush()
        producer.close()
        self.equal_every_other(bootstrap, topic, sent)

    # Reading

    def read_earliest(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "earliest")
        self.produce(bootstrap, topic, numbered(0, 10))
        equal(values(self.read(bootstrap, topic, {0: EARLIEST}, 10)), texts(0, 10))

    def read_latest(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "latest")
        self.produce(bootstrap, topic, numbered(0, 10))
        consumer = self.reader(bootstrap, topic, {0: LATEST})
        equal(values(consumer.poll()), [])
        self.produce(bootstrap, topic, numbered(10, 15))
        equal(values(self.poll(consumer, 5)), texts(10, 15))
        consumer.close()

    def read_offset(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "offset")
        for start in (0, 50):
            self.produce(bootstrap, topic, numbered(start, start + 50), linger_ms=20)
        equal(values(self.read(bootstrap, topic, {0: 37}, 63)), texts(37, 100))

    def read_timestamp(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "timestamp")
        at = [1_700_000_000_000 + 1000 * index for index in range(21)]
        records = [Record(str(index).encode(), timestamp=at[index]) for index in range(20)]
        self.produce(bootstrap, topic, records, linger_ms=20)
        consumer = self.reader(bootstrap, topic, {0: EARLIEST})
        equal(consumer.offset_at(0, at[7]), 7)
        equal(consumer.offset_at(0, at[7] + 1), 8)
        equal(consumer.offset_at(0, 0), 0)
        equal(consumer.offset_at(0, at[20]), None)
        consumer.seek(0, consumer.offset_at(0, at[12]))
        equal(values(self.poll(consumer, 8)), texts(12, 20))
        consumer.close()

    def list_offsets(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "list", 3)
        self.produce(bootstrap, topic, numbered(0, 10, 0) + numbered(0, 4, 2))
        consumer = self.reader(bootstrap, topic, {0: EARLIEST, 1: EARLIEST, 2: EARLIEST})
        equal([(consumer.begin(partition), consumer.end(partition)) for partition in range(3)], [(0, 10), (0, 0), (0, 4)])
        consumer.close()

    def fetch_max_bytes(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "bytes")
        for start in range(0, 1000, 100):
            self.produce(bootstrap, topic, numbered(start, start + 100), linger_ms=20)
        equal(values(self.read(bootstrap, topic, {0: EARLIEST}, 1000, fetch_bytes=100)), texts(0, 1000))

    def out_of_range(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "range")
        self.produce(bootstrap, topic, numbered(0, 10))
        equal(values(self.read(bootstrap, topic, {0: 1000}, 10, reset=EARLIEST)), texts(0, 10))
        consumer = self.reader(bootstrap, topic, {0: 1000}, reset=LATEST)
        equal(consumer.poll(), [])
        until_end = time.monotonic() + 2
        while time.monotonic() < until_end:
            equal(consumer.poll(), [])
        self.produce(bootstrap, topic, numbered(10, 12))
        equal(values(self.poll(consumer, 2)), texts(10, 12))
        consumer.close()

    def pause_seek(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "pause", 2)
        consumer = self.reader(bootstrap, topic, {0: EARLIEST, 1: EARLIEST})
        self.produce(bootstrap, topic, numbered(0, 5, 0) + numbered(0, 5, 1))
        self.poll(consumer, 10)
        consumer.pause(0)
        self.produce(bootstrap, topic, numbered(5, 10, 0) + numbered(5, 10, 1))
        got = self.poll(consumer, 5)
        equal(values(got, 1), texts(5, 10))
        equal(consumer.poll(), [])
        consumer.seek(0, 2)
        consumer.resume(0)
        equal(values(self.poll(consumer, 8), 0), texts(2, 10))
        consumer.close()

    # Groups

    def group(self, assignor):
        def case(bootstrap, _):
            topic = self.create_topic(bootstrap, "group", 6)
            group = unique("group")

            def join():
                return Member(self.make_consumer(bootstrap, group=group, assignor=assignor), topic)

            def send(start, end):
                self.produce(bootstrap, topic, [Record(str(i).encode(), partition=i % 6) for i in range(start, end)])

            first = join()
            until("all for the first", lambda: first.owned == list(range(6)), lambda: (first.owned, first.failure))
            second = join()

            def owned():
                return [first.owned, second.owned, first.failure, second.failure]

            until("half each", lambda: len(first.owned) == 3 and len(second.owned) == 3, owned)
            equal(sorted(first.owned + second.owned), list(range(6)))
            send(0, 600)
            until("records of both", lambda: len(first.got) + len(second.got) >= 600, owned)
            equal(sorted(values(first.got + second.got)), sorted(texts(0, 600)))
            equal(len(first.got), 300)
            second.leave()
            until("all for the first again", lambda: first.owned == list(range(6)), owned)
            first.got.clear()
            send(600, 900)
            until("records of the rest", lambda: len(first.got) >= 300, owned)
            equal(sorted(values(first.got)), sorted(texts(600, 900)))
            first.leave()

        return case

    def static_member(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "static", 4)
        group = unique("static")

        def join(instance):
            return Member(self.make_consumer(bootstrap, group=group, instance=instance), topic)

        one, two = join("one"), join("two")

        def owned():
            return [one.owned, two.owned, one.failure, two.failure]

        until("half each", lambda: len(one.owned) == 2 and len(two.owned) == 2, owned)
        mine, assignments = one.owned, two.assignments
        one.leave()
        one = join("one")
        until("the same again", lambda: one.owned == mine, owned)
        equal(two.assignments, assignments, "assignments of the other")
        one.leave()
        two.leave()

    def static_fence(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "fence", 2)
        group = unique("fence")

        def join():
            return Member(self.make_consumer(bootstrap, group=group, instance="one"), topic)

        first = join()
        until("all for the first", lambda: first.owned == [0, 1], lambda: (first.owned, first.failure))
        double = join()
        until("the first to be fenced", lambda: first.failure is not None, lambda: (first.owned, double.owned))
        equal(getattr(first.failure, "code", first.failure), FENCED_INSTANCE_ID)
        until("all for its double", lambda: double.owned == [0, 1], lambda: (double.owned, double.failure))
        double.leave()

    def commit_resume(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "commit")
        group = unique("commit")
        self.produce(bootstrap, topic, numbered(0, 10))

        def run(count, commit=None):
            consumer = self.make_consumer(bootstrap, group=group)
            try:
                consumer.subscribe(topic)
                got = self.poll(consumer, count)
                if commit is not None:
                    consumer.commit({0: commit})
                return values(got)
            finally:
                consumer.close()

        equal(run(10, (4, "a note")), texts(0, 10))
        equal(run(6), texts(4, 10))
        offsets = self.with_admin(bootstrap, lambda admin: admin.group_offsets(group))
        equal(offsets, {(topic, 0): (4, "a note")})

    def groups(self, bootstrap, _):
        topic = self.create_topic(bootstrap, "groups", 2)
        group = unique("groups")
        member = Member(self.make_consumer(bootstrap, group=group), topic)
        until("a member", lambda: member.owned == [0, 1], lambda: (member.owned, member.failure))

        def use(admin):
            equal(group in admin.groups(), True)
            state, members = admin.group(group)
            equal(state.lower(), "stable")
            equal(members, [(CLIENT_ID, [0, 1])])
            if hasattr(admin, "delete_group"):
                refused(NON_EMPTY_GROUP, lambda: admin.delete_group(group))
            member.leave()
            if hasattr(admin, "set_group_offset"):
                admin.set_group_offset(group, topic, 1, 3)
                equal(admin.group_offsets(group)[(topic, 1)][0], 3)
            if hasattr(admin, "delete_group"):
                admin.delete_group(group)
                equal(group in admin.groups(), False)

        self.with_admin(bootstrap, use)

    # With other clients

    def interop_write(self, bootstrap, writer):
        for codec in CODECS:
            topic = f"interop.{writer}.{codec}"
            self.with_admin(bootstrap, lambda admin: admin.create_topic(topic, 1, {}))
            records = [Record(value, key, [("writer", writer.encode())]) for key, value in INTEROP_RECORDS]
            self.produce(bootstrap, topic, records, codec=codec, linger_ms=20)

    def interop_read(self, bootstrap, writer):
        for codec in CODECS:
            got = self.read(bootstrap, f"interop.{writer}.{codec}", {0: EARLIEST}, len(INTEROP_RECORDS))
            equal([(record.key, record.value) for record in got], INTEROP_RECORDS, codec)
            for record in got:
                equal([tuple(header) for header in record.headers], [("writer", writer.encode())])


def all_cases(cases, assignors, fences):
    """`assignors`: case's name -> the client's own word for it. `fences`: it ends when another has its instance id."""
    return {
        "topic-lifecycle": cases.topic_lifecycle,
        "topic-errors": cases.topic_errors,
        "create-partitions": cases.create_partitions,
        "describe-configs": cases.describe_configs,
        "cluster": cases.cluster,
        "hundred-partitions": cases.hundred_partitions,
        **({"unknown-topic": cases.unknown_topic} if hasattr(cases.make_consumer, "read_missing") else {}),
        "records": cases.records,
        **{f"codec-{name}": cases.codec(name) for name in CODECS},
        "big-records": cases.big_records,
        "acks-0": cases.acks_0,
        "acks-1": cases.acks_1,
        "acks-all": cases.acks_all,
        "throughput": cases.throughput,
        "crash": cases.crash,
        "read-earliest": cases.read_earliest,
        "read-latest": cases.read_latest,
        "read-offset": cases.read_offset,
        "read-timestamp": cases.read_timestamp,
        "list-offsets": cases.list_offsets,
        "fetch-max-bytes": cases.fetch_max_bytes,
        "out-of-range": cases.out_of_range,
        "pause-seek": cases.pause_seek,
        **{f"group-{name}": cases.group(assignor) for name, assignor in assignors.items()},
        "static-member": cases.static_member,
        **({"static-fence": cases.static_fence} if fences else {}),
        "commit-resume": cases.commit_resume,
        "groups": cases.groups,
        "interop-write": cases.interop_write,
        "interop-read": cases.interop_read,
    }
