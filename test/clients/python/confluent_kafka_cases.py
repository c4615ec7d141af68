"""confluent-kafka: librdkafka in Python."""

import confluent_kafka
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, ResourceType

from cases import CLIENT_ID, Cases, all_cases
from clients import EARLIEST, FENCED_INSTANCE_ID, LATEST, Record, Refused
from harness import run_cases

TIMEOUT = 30


def refusal(error):
    """Fatal errors have a code of their own; the cause is in the text alone."""
    fenced = error.code() == KafkaError._FATAL and "fenced" in error.str()
    return Refused(FENCED_INSTANCE_ID if fenced else error.code(), str(error))


def result(future):
    try:
        return future.result(TIMEOUT)
    except KafkaException as error:
        raise refusal(error.args[0]) from error


class Admin:
    def __init__(self, bootstrap):
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "client.id": CLIENT_ID, "log_level": 0})

    def create_topic(self, name, partitions, configs):
        result(self._admin.create_topics([NewTopic(name, partitions, 1, config=configs)])[name])

    def delete_topic(self, name):
        result(self._admin.delete_topics([name])[name])

    def topics(self):
        return list(self._admin.list_topics(timeout=TIMEOUT).topics)

    def partitions(self, topic):
        return len(self._admin.list_topics(topic, timeout=TIMEOUT).topics[topic].partitions)

    def create_partitions(self, topic, count):
        result(self._admin.create_partitions([NewPartitions(topic, count)])[topic])

    def topic_configs(self, topic):
        resource = ConfigResource(ResourceType.TOPIC, topic)
        entries = result(self._admin.describe_configs([resource])[resource])
        return {name: entry.value for name, entry in entries.items()}

    def cluster(self):
        cluster = result(self._admin.describe_cluster())
        return cluster.cluster_id, cluster.controller.id, [(node.id, node.host, node.port) for node in cluster.nodes]

    def groups(self):
        return [group.group_id for group in result(self._admin.list_consumer_groups()).valid]

    def group(self, name):
        group = result(self._admin.describe_consumer_groups([name])[name])
        members = [
            (member.client_id, sorted(one.partition for one in member.assignment.topic_partitions))
            for member in group.members
        ]
        return group.state.name, members

    def delete_group(self, name):
        result(self._admin.delete_consumer_groups([name])[name])

    def group_offsets(self, name):
        listed = result(self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])[name])
        return {(one.topic, one.partition): (one.offset, one.metadata) for one in listed.topic_partitions}

    def set_group_offset(self, name, topic, partition, offset):
        offsets = ConsumerGroupTopicPartitions(name, [TopicPartition(topic, partition, offset)])
        result(self._admin.alter_consumer_group_offsets([offsets])[name])

    def close(self):
        pass


class Producer:
    def __init__(self, bootstrap, acks="all", idempotent=False, codec="none", linger_ms=0):
        self._producer = confluent_kafka.Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": CLIENT_ID,
                "acks": acks,
                "enable.idempotence": idempotent,
                "compression.type": codec,
                "linger.ms": linger_ms,
                "message.max.bytes": 10_000_000,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        self._sent = []

    def send(self, topic, record):
        place = [None, None]
        self._sent.append(place)

        def delivered(error, message):
            place[:] = [error, message.offset()]

        options = {} if record.timestamp is None else {"timestamp": record.timestamp}
        while True:
            try:
                self._producer.produce(
                    topic,
                    record.value,
                    record.key,
                    record.partition,
                    on_delivery=delivered,
                    headers=record.headers,
                    **options,
                )
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)

    def flush(self):
        left = self._producer.flush(120)
        if left > 0:
            raise AssertionError(f"{left} records are not delivered within two minutes")
        sent, self._sent = self._sent, []
        for error, _ in sent:
            if error is not None:
                raise refusal(error)
        return [offset for _, offset in sent]

    def close(self):
        pass


class Consumer:
    def __init__(self, bootstrap, group=None, reset=EARLIEST, assignor="range", instance=None, fetch_bytes=None):
        config = {
            "bootstrap.servers": bootstrap,
            "client.id": CLIENT_ID,
            "group.id": group or "no group",
            "auto.offset.reset": reset,
            "enable.auto.commit": False,
            "partition.assignment.strategy": assignor,
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 300,
            "fetch.wait.max.ms": 100,
            "fetch.error.backoff.ms": 20,
            "topic.metadata.refresh.interval.ms": 1_000,
            "topic.metadata.propagation.max.ms": 1_000,
            "log_level": 0,
        }
        if instance is not None:
            config["group.instance.id"] = instance
        if fetch_bytes is not None:
            config |= {"max.partition.fetch.bytes": fetch_bytes, "fetch.max.bytes": 1_000, "message.max.bytes": 1_000}
        self._consumer = confluent_kafka.Consumer(config)
        self._topic = None

    def assign(self, topic, offsets):
        self._topic = topic
        special = {EARLIEST: confluent_kafka.OFFSET_BEGINNING, LATEST: confluent_kafka.OFFSET_END}
        self._consumer.assign(
            [TopicPartition(topic, partition, special.get(offset, offset)) for partition, offset in offsets.items()]
        )

    def subscribe(self, topic):
        self._topic = topic
        self._consumer.subscribe([topic])

    def poll(self):
        first = self._consumer.poll(0.5)
        messages = [] if first is None else [first, *self._consumer.consume(10_000, 0.01)]
        records = []
        for message in messages:
            if message.error() is not None:
                raise refusal(message.error())
            records.append(
                Record(
                    message.value(),
                    message.key(),
                    message.headers() or [],
                    message.timestamp()[1],
                    message.partition(),
                    message.offset(),
                )
            )
        return records

    def read_missing(self, topic):
        self.subscribe(topic)
        for _ in range(20):
            self.poll()

    def assignment(self):
        return [one.partition for one in self._consumer.assignment()]

    def commit(self, offsets):
        listed = [
            TopicPartition(self._topic, partition, offset, metadata=metadata)
            for partition, (offset, metadata) in offsets.items()
        ]
        try:
            self._consumer.commit(offsets=listed, asynchronous=False)
        except KafkaException as error:
            raise refusal(error.args[0]) from error

    def seek(self, partition, offset):
        self._consumer.seek(TopicPartition(self._topic, partition, offset))

    def pause(self, partition):
        self._consumer.pause([TopicPartition(self._topic, partition)])

    def resume(self, partition):
        self._consumer.resume([TopicPartition(self._topic, partition)])

    def begin(self, partition):
        return self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), TIMEOUT)[0]

    def end(self, partition):
        return self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), TIMEOUT)[1]

    def offset_at(self, partition, time):
        [found] = self._consumer.offsets_for_times([TopicPartition(self._topic, partition, time)], TIMEOUT)
        return None if found.offset == confluent_kafka.OFFSET_END else found.offset

    def close(self):
        self._consumer.close()


ASSIGNORS = {"range": "range", "roundrobin": "roundrobin", "cooperative": "cooperative-sticky"}

run_cases(all_cases(Cases(Admin, Producer, Consumer), ASSIGNORS, fences=True))
