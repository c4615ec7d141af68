"""aiokafka. It has no way to delete a group, nor to set another one's offsets, and no cooperative rebalancing."""

import asyncio
import threading

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.structs import OffsetAndMetadata

from cases import CLIENT_ID, Cases, all_cases
from clients import EARLIEST, LATEST, Record, Refused
from harness import run_cases

loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()


def wait(coroutine):
    """From the cases' threads into the one of all clients."""
    try:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(120)
    except errors.BrokerResponseError as error:
        raise Refused(error.errno, str(error)) from error


async def started(make):
    """Clients must be made where their event loop runs."""
    client = make()
    await client.start()
    return client


def check(answers):
    """Raises for the first (…, error code, …) that is not 0."""
    for code, what in answers:
        if code != 0:
            raise Refused(code, what)


class Admin:
    def __init__(self, bootstrap):
        self._admin = wait(started(lambda: AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id=CLIENT_ID)))

    def create_topic(self, name, partitions, configs):
        topic = NewTopic(name, partitions, 1, topic_configs=configs)
        answer = wait(self._admin.create_topics([topic]))
        check((one[1], one[0]) for one in answer.topic_errors)

    def delete_topic(self, name):
        answer = wait(self._admin.delete_topics([name]))
        check((code, topic) for topic, code in answer.topic_error_codes)

    def topics(self):
        return wait(self._admin.list_topics())

    def partitions(self, topic):
        return len(wait(self._admin.describe_topics([topic]))[0]["partitions"])

    def create_partitions(self, topic, count):
        answer = wait(self._admin.create_partitions({topic: NewPartitions(count)}))
        check((one[1], one[0]) for one in answer.topic_errors)

    def topic_configs(self, topic):
        [answer] = wait(self._admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)]))
        [(code, message, _, _, entries)] = answer.resources
        check([(code, message)])
        return {entry[0]: entry[1] for entry in entries}

    def cluster(self):
        cluster = wait(self._admin.describe_cluster())
        brokers = [(broker["node_id"], broker["host"], broker["port"]) for broker in cluster["brokers"]]
        return cluster["cluster_id"], cluster["controller_id"], brokers

    def groups(self):
        return [name for name, _ in wait(self._admin.list_consumer_groups())]

    def group(self, name):
        [answer] = wait(self._admin.describe_consumer_groups([name]))
        [group] = answer.to_object()["groups"]
        members = [
            (
                member["client_id"],
                sorted(
                    partition
                    for _, partitions in assignment_of(member["member_assignment"])
                    for partition in partitions
                ),
            )
            for member in group["members"]
        ]
        return group["state"], members

    def group_offsets(self, name):
        listed = wait(self._admin.list_consumer_group_offsets(name))
        return {(place.topic, place.partition): (one.offset, one.metadata) for place, one in listed.items()}

    def close(self):
        wait(self._admin.close())


def assignment_of(data):
    from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

    return ConsumerProtocolMemberAssignment.decode(data).assignment


class Producer:
    def __init__(self, bootstrap, acks="all", idempotent=False, codec="none", linger_ms=0):
        def make():
            return AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                client_id=CLIENT_ID,
                acks=acks,
                enable_idempotence=idempotent,
                compression_type=None if codec == "none" else codec,
                linger_ms=linger_ms,
                max_request_size=10_000_000,
                request_timeout_ms=60_000,
            )

        self._acks = acks
        self._producer = wait(started(make))
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
        self._sent.append(wait(future))

    def flush(self):
        sent, self._sent = self._sent, []

        async def all_sent():
            return [await future for future in sent]

        return [None if self._acks == 0 else one.offset for one in wait(all_sent())]

    def close(self):
        wait(self._producer.stop())


class Consumer:
    def __init__(self, bootstrap, group=None, reset=EARLIEST, assignor=RangePartitionAssignor, instance=None, fetch_bytes=None):
        sizes = {} if fetch_bytes is None else {"fetch_max_bytes": fetch_bytes * 2, "max_partition_fetch_bytes": fetch_bytes}

        def make():
            return AIOKafkaConsumer(
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

        self._consumer = wait(started(make))
        self._topic = None

    def _place(self, partition):
        return TopicPartition(self._topic, partition)

    def assign(self, topic, offsets):
        self._topic = topic

        async def assign():
            self._consumer.assign([self._place(partition) for partition in offsets])
            for partition, offset in offsets.items():
                if offset == EARLIEST:
                    await self._consumer.seek_to_beginning(self._place(partition))
                elif offset == LATEST:
                    await self._consumer.seek_to_end(self._place(partition))
                else:
                    self._consumer.seek(self._place(partition), offset)

        wait(assign())

    def subscribe(self, topic):
        self._topic = topic

        async def subscribe():
            self._consumer.subscribe([topic])

        wait(subscribe())

    def poll(self):
        found = wait(self._consumer.getmany(timeout_ms=500))
        return [
            Record(one.value, one.key, list(one.headers), one.timestamp, one.partition, one.offset)
            for records in found.values()
            for one in records
        ]

    def assignment(self):
        return [place.partition for place in self._consumer.assignment()]

    def commit(self, offsets):
        places = {
            self._place(partition): OffsetAndMetadata(offset, metadata)
            for partition, (offset, metadata) in offsets.items()
        }
        wait(self._consumer.commit(places))

    def seek(self, partition, offset):
        self._on_loop(lambda: self._consumer.seek(self._place(partition), offset))

    def pause(self, partition):
        self._on_loop(lambda: self._consumer.pause(self._place(partition)))

    def resume(self, partition):
        self._on_loop(lambda: self._consumer.resume(self._place(partition)))

    def _on_loop(self, call):
        async def run():
            call()

        wait(run())

    def begin(self, partition):
        return wait(self._consumer.beginning_offsets([self._place(partition)]))[self._place(partition)]

    def end(self, partition):
        return wait(self._consumer.end_offsets([self._place(partition)]))[self._place(partition)]

    def offset_at(self, partition, time):
        found = wait(self._consumer.offsets_for_times({self._place(partition): time}))[self._place(partition)]
        return None if found is None else found.offset

    def close(self):
        wait(self._consumer.stop())


ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}

run_cases(all_cases(Cases(Admin, Producer, Consumer), ASSIGNORS, fences=False))
