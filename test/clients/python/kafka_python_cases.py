"""kafka-python."""

import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka import errors

from cases import CLIENT_ID, Cases, all_cases
from clients import EARLIEST, LATEST, MESSAGE_TOO_LARGE, Record, Refused
from harness import run_cases


def ask(call, *args, **options):
    try:
        return call(*args, **options)
    except errors.BrokerResponseError as error:
        raise Refused(error.errno, str(error)) from error


class Admin:
    def __init__(self, bootstrap):
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap, client_id=CLIENT_ID)

    def create_topic(self, name, partitions, configs):
        topic = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
        ask(self._admin.create_topics, {name: topic})
        self._admin.wait_for_topics([name])

    def delete_topic(self, name):
        ask(self._admin.delete_topics, [name])

    def topics(self):
        return self._admin.list_topics()

    def partitions(self, topic):
        return len(self._admin.describe_topics([topic])[0]["partitions"])

    def create_partitions(self, topic, count):
        ask(self._admin.create_partitions, {topic: count})

    def topic_configs(self, topic):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        described = self._admin.describe_configs([resource], config_filter="all")
        return {name: entry["value"] for name, entry in described["topic"][topic].items()}

    def cluster(self):
        cluster = self._admin.describe_cluster()
        brokers = [(broker["broker_id"], broker["host"], broker["port"]) for broker in cluster["brokers"]]
        return cluster["cluster_id"], cluster["controller_id"], brokers

    def groups(self):
        return [group["group_id"] for group in self._admin.list_groups()]

    def group(self, name):
        group = self._admin.describe_groups([name])[name]
        members = [
            (
                member["client_id"],
                sorted(
                    partition
                    for topic in member["member_assignment"]["assigned_partitions"]
                    for partition in topic["partitions"]
                ),
            )
            for member in group["members"]
        ]
        return group["group_state"], members

    def delete_group(self, name):
        answer = self._admin.delete_groups([name])[name]
        if answer != "OK":
            raise Refused(getattr(errors, answer).errno)

    def group_offsets(self, name):
        listed = self._admin.list_group_offsets([name])[name]
        return {(place.topic, place.partition): (one.offset, one.metadata) for place, one in listed.items()}

    def set_group_offset(self, name, topic, partition, offset):
        self._admin.alter_group_offsets(name, {TopicPartition(topic, partition): OffsetAndMetadata(offset, "", -1)})

    def close(self):
        self._admin.close()


class Producer:
    def __init__(self, bootstrap, acks="all", idempotent=False, codec="none", linger_ms=0):
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            client_id=CLIENT_ID,
            acks=acks,
            enable_idempotence=idempotent,
            compression_type=None if codec == "none" else codec,
            linger_ms=linger_ms,
            max_request_size=10_000_000,
            reconnect_backoff_max_ms=500,
        )
        self._sent = []

    def send(self, topic, record):
        future = self._producer.send(
            topic,
            record.value,
            record.key,
            headers=record.headers,
            partition=record.partition,
            timestamp_ms=record.timestamp,
        )
        self._sent.append(future)

    def flush(self):
        self._producer.flush(timeout=120)
        sent, self._sent = self._sent, []
        return [ask(future.get, 1).offset for future in sent]

    def close(self):
        self._producer.close()


class Consumer:
    def __init__(self, bootstrap, group=None, reset=EARLIEST, assignor=RangePartitionAssignor, instance=None, fetch_bytes=None):
        sizes = {} if fetch_bytes is None else {"fetch_max_bytes": fetch_bytes * 2, "max_partition_fetch_bytes": fetch_bytes}
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            client_id=CLIENT_ID,
            group_id=group,
            group_instance_id=instance,
            auto_offset_reset=reset,
            enable_auto_commit=False,
            partition_assignment_strategy=[assignor],
            session_timeout_ms=10_000,
            heartbeat_interval_ms=300,
            fetch_max_wait_ms=100,
            metadata_max_age_ms=1_000,
            **sizes,
        )
        self._topic = None

    def _place(self, partition):
        return TopicPartition(self._topic, partition)

    def assign(self, topic, offsets):
        self._topic = topic
        self._consumer.assign([self._place(partition) for partition in offsets])
        for partition, offset in offsets.items():
            if offset == EARLIEST:
                self._consumer.seek_to_beginning(self._place(partition))
            elif offset == LATEST:
                self._consumer.seek_to_end(self._place(partition))
                self._consumer.position(self._place(partition))
            else:
                self._consumer.seek(self._place(partition), offset)

    def subscribe(self, topic):
        self._topic = topic
        self._consumer.subscribe([topic])

    def poll(self):
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            found = ask(self._consumer.poll, timeout_ms=100, max_records=10_000)
            if found:
                break
        return [
            Record(one.value, one.key, one.headers, one.timestamp, one.partition, one.offset)
            for records in found.values()
            for one in records
        ]

    def assignment(self):
        return [place.partition for place in self._consumer.assignment()]

    def commit(self, offsets):
        places = {
            self._place(partition): OffsetAndMetadata(offset, metadata, -1)
            for partition, (offset, metadata) in offsets.items()
        }
        ask(self._consumer.commit, places)

    def seek(self, partition, offset):
        self._consumer.seek(self._place(partition), offset)

    def pause(self, partition):
        self._consumer.pause(self._place(partition))

    def resume(self, partition):
        self._consumer.resume(self._place(partition))

    def begin(self, partition):
        return self._consumer.beginning_offsets([self._place(partition)])[self._place(partition)]

    def end(self, partition):
        return self._consumer.end_offsets([self._place(partition)])[self._place(partition)]

    def offset_at(self, partition, time):
        found = self._consumer.offsets_for_times({self._place(partition): time})[self._place(partition)]
        return None if found is None else found.offset

    def close(self):
        self._consumer.close(autocommit=False)


ASSIGNORS = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "cooperative": CooperativeStickyAssignor,
}

run_cases(all_cases(Cases(Admin, Producer, Consumer), ASSIGNORS, fences=False))
