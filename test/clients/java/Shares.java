import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ShareGroupDescription;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Share groups (KIP-932). */
final class Shares {
  private Shares() {}

  private static KafkaShareConsumer<byte[], byte[]> consumer(
      String bootstrap, String group, Map<String, Object> options) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", bootstrap);
    config.put("client.id", Records.CLIENT_ID);
    config.put("group.id", group);
    config.put("metadata.max.age.ms", 1_000);
    config.put("fetch.max.wait.ms", 200);
    config.putAll(options);
    return new KafkaShareConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static final Map<String, Object> EXPLICIT = Map.of("share.acknowledgement.mode", "explicit");

  private static List<ConsumerRecord<byte[], byte[]>> poll(KafkaShareConsumer<byte[], byte[]> consumer, int ms) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    consumer.poll(Duration.ofMillis(ms)).forEach(records::add);
    return records;
  }

  private static String value(ConsumerRecord<byte[], byte[]> record) {
    return Records.text(record.value());
  }

  /** A group begins at the end of the log, so what is written before it has begun is not for it. */
  private static void begin(String bootstrap, KafkaShareConsumer<byte[], byte[]> consumer, String topic, int partitions)
      throws Exception {
    consumer.subscribe(List.of(topic));
    Set<Integer> begun = new TreeSet<>();
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (begun.size() < partitions) {
      if (System.nanoTime() > deadline) throw new Harness.Failure("not begun within a minute: " + begun);
      for (int partition = 0; partition < partitions; partition++)
        Records.produce(bootstrap, List.of(Records.record(topic, partition, -1)), Map.of());
      for (var record : poll(consumer, 500)) {
        if (!value(record).equals("-1")) throw new Harness.Failure("unexpected " + value(record));
        begun.add(record.partition());
        if (consumer.acquisitionLockTimeoutMs().isEmpty()) throw new Harness.Failure("no lock time-out");
      }
    }
  }

  private static boolean isReal(ConsumerRecord<byte[], byte[]> record) {
    return !value(record).equals("-1");
  }

  /** Every record once, in order, as polling acknowledges. */
  static void implicit(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "share-implicit", 2);
    String group = Harness.unique("share");
    List<String> got = new ArrayList<>();
    try (var consumer = consumer(bootstrap, group, Map.of())) {
      begin(bootstrap, consumer, topic, 2);
      for (int partition = 0; partition < 2; partition++)
        Records.produce(bootstrap, Records.numbered(topic, partition * 500, partition * 500 + 500, partition), Map.of());
      Harness.until(
          "records",
          () -> {
            for (var record : poll(consumer, 200)) if (isReal(record)) got.add(value(record));
            return got.size() >= 1_000;
          },
          got::size);
      poll(consumer, 200);
    }
    Harness.equal(got.size(), 1_000);
    Harness.equal(new TreeSet<>(got), new TreeSet<>(Harness.texts(0, 1_000)));
    try (var again = consumer(bootstrap, group, Map.of())) {
      again.subscribe(List.of(topic));
      for (int i = 0; i < 10; i++)
        for (var record : poll(again, 300)) if (isReal(record)) throw new Harness.Failure("again " + value(record));
    }
  }

  /** Accept, release and reject, each as it says; the delivery count grows. */
  static void explicit(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "share-explicit", 1);
    Map<String, List<Short>> seen = new ConcurrentHashMap<>();
    try (var consumer = consumer(bootstrap, Harness.unique("share"), EXPLICIT)) {
      beginExplicitly(bootstrap, consumer, topic);
      Records.produce(bootstrap, Records.numbered(topic, 0, 9, 0), Map.of());
      long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (System.nanoTime() < until && !seen.getOrDefault("8", List.of()).equals(counts(5))) {
        for (var record : poll(consumer, 300)) {
          if (!isReal(record)) {
            consumer.acknowledge(record, AcknowledgeType.ACCEPT);
            continue;
          }
          int number = Integer.parseInt(value(record));
          seen.computeIfAbsent(value(record), key -> new CopyOnWriteArrayList<>()).add(record.deliveryCount().get());
          boolean twice = record.deliveryCount().get() > 1;
          AcknowledgeType type =
              number == 8
                  ? AcknowledgeType.RELEASE
                  : switch (number % 3) {
                    case 0 -> AcknowledgeType.ACCEPT;
                    case 1 -> twice ? AcknowledgeType.ACCEPT : AcknowledgeType.RELEASE;
                    default -> AcknowledgeType.REJECT;
                  };
          consumer.acknowledge(record, type);
        }
        consumer.commitSync().forEach((partition, error) -> error.ifPresent(Shares::fail));
      }
      for (int i = 0; i < 3; i++)
        for (var record : poll(consumer, 300)) throw new Harness.Failure("again " + value(record));
    }
    for (int number = 0; number < 8; number++)
      Harness.equal(seen.get(Integer.toString(number)), counts(number % 3 == 1 ? 2 : 1));
    // As often as the limit says, and no more.
    Harness.equal(seen.get("8"), counts(5));
  }

  private static void fail(Throwable error) {
    throw new Harness.Failure(error.toString());
  }

  private static List<Short> counts(int last) {
    return Harness.texts(1, last + 1).stream().map(Short::valueOf).toList();
  }

  private static void beginExplicitly(String bootstrap, KafkaShareConsumer<byte[], byte[]> consumer, String topic)
      throws Exception {
    consumer.subscribe(List.of(topic));
    Harness.until(
        "beginning",
        () -> {
          try {
            Records.produce(bootstrap, List.of(Records.record(topic, 0, -1)), Map.of());
          } catch (Exception error) {
            fail(error);
          }
          var records = poll(consumer, 500);
          records.forEach(record -> consumer.acknowledge(record, AcknowledgeType.ACCEPT));
          consumer.commitSync();
          return !records.isEmpty();
        },
        () -> "");
  }

  /** Several consumers on one partition share its records; each goes to one of them. */
  static void several(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "share-several", 1);
    String group = Harness.unique("share");
    Map<String, Integer> got = new ConcurrentHashMap<>();
    CountDownLatch done = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    Map<Integer, Integer> byMember = new ConcurrentHashMap<>();
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    try (var first = consumer(bootstrap, group, Map.of())) {
      begin(bootstrap, first, topic, 1);
      poll(first, 100);
    }
    for (int i = 0; i < 4; i++) {
      int member = i;
      Thread thread =
          new Thread(
              () -> {
                try (var consumer = consumer(bootstrap, group, Map.of("max.poll.records", 10))) {
                  consumer.subscribe(List.of(topic));
                  while (done.getCount() > 0)
                    for (var record : poll(consumer, 100)) {
                      if (!isReal(record)) continue;
                      got.merge(value(record), 1, Integer::sum);
                      byMember.merge(member, 1, Integer::sum);
                      Thread.sleep(1);
                    }
                } catch (Exception error) {
                  failures.add(error);
                }
              });
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
    for (int batch = 0; batch < 10; batch++)
      Records.produce(bootstrap, Records.numbered(topic, batch * 100, batch * 100 + 100, 0), Map.of("batch.size", 100));
    Harness.until("records", () -> got.size() >= 1_000 || !failures.isEmpty(), () -> got.size() + " by " + byMember);
    done.countDown();
    for (Thread thread : threads) thread.join();
    if (!failures.isEmpty()) fail(failures.get(0));
    Harness.equal(got.values().stream().filter(times -> times != 1).count(), 0L);
    if (byMember.size() < 2) throw new Harness.Failure("one member got all: " + byMember);
  }

  /** What a consumer holds when its connections break goes to another one; so does what it lets its lock run out for. */
  static void lost(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "share-lost", 1);
    String group = Harness.unique("share");
    try (var slow = consumer(bootstrap, group, EXPLICIT)) {
      beginExplicitly(bootstrap, slow, topic);
      Records.produce(bootstrap, Records.numbered(topic, 0, 5, 0), Map.of());
      List<ConsumerRecord<byte[], byte[]>> held = new ArrayList<>();
      Harness.until("records", () -> held.addAll(real(poll(slow, 200))) && held.size() >= 5, held::size);
      Map<String, Short> got = new ConcurrentHashMap<>();
      try (var other = consumer(bootstrap, group, Map.of())) {
        other.subscribe(List.of(topic));
        long begin = System.nanoTime();
        Harness.until(
            "the lock's end",
            () -> {
              for (var record : real(poll(other, 200))) got.put(value(record), record.deliveryCount().get());
              return got.size() >= 5;
            },
            () -> got);
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
        if (seconds < 15) throw new Harness.Failure("the lock held for " + seconds + " s");
        Harness.equal(got.values().stream().collect(Collectors.toSet()), Set.of((short) 2));
      }
    }
  }

  private static List<ConsumerRecord<byte[], byte[]>> real(List<ConsumerRecord<byte[], byte[]>> records) {
    return records.stream().filter(Shares::isReal).toList();
  }

  /** A lock that is renewed lasts longer than it does else. */
  static void renew(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "share-renew", 1);
    try (var consumer = consumer(bootstrap, Harness.unique("share"), EXPLICIT)) {
      beginExplicitly(bootstrap, consumer, topic);
      Records.produce(bootstrap, Records.numbered(topic, 0, 1, 0), Map.of());
      List<ConsumerRecord<byte[], byte[]>> held = new ArrayList<>();
      Harness.until("the record", () -> held.addAll(real(poll(consumer, 200))), held::size);
      for (int i = 0; i < 2; i++) {
        for (var record : held) consumer.acknowledge(record, AcknowledgeType.RENEW);
        consumer.commitSync().forEach((partition, error) -> error.ifPresent(Shares::fail));
        held.clear();
        Harness.until("the record again", () -> held.addAll(real(poll(consumer, 200))), held::size);
        Harness.equal(held.get(0).deliveryCount().get(), (short) 1);
      }
      consumer.acknowledge(held.get(0), AcknowledgeType.ACCEPT);
      consumer.commitSync().forEach((partition, error) -> error.ifPresent(Shares::fail));
    }
  }

  /** The server is killed while records are held: none is lost, and what was acknowledged stays so. */
  static void crash(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "share-crash", 1);
    String group = Harness.unique("share");
    Set<String> accepted = ConcurrentHashMap.newKeySet();
    List<String> again = new CopyOnWriteArrayList<>();
    Set<String> seen = ConcurrentHashMap.newKeySet();
    try (var consumer = consumer(bootstrap, group, Map.of("share.acknowledgement.mode", "explicit", "max.poll.records", 20))) {
      beginExplicitly(bootstrap, consumer, topic);
      Records.produce(bootstrap, Records.numbered(topic, 0, 300, 0), Map.of());
      CountDownLatch back = null;
      long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
      while (seen.size() < 300 || accepted.size() < 300) {
        if (System.nanoTime() > deadline)
          throw new Harness.Failure(seen.size() + " seen, " + accepted.size() + " accepted of 300");
        var records = real(poll(consumer, 200));
        for (var record : records) {
          if (accepted.contains(value(record))) again.add(value(record));
          seen.add(value(record));
          consumer.acknowledge(record, AcknowledgeType.ACCEPT);
        }
        if (back == null && seen.size() >= 60) back = Harness.restartServer();
        boolean stored = consumer.commitSync().values().stream().allMatch(java.util.Optional::isEmpty);
        if (stored) records.forEach(record -> accepted.add(value(record)));
      }
    }
    Harness.equal(again, List.of());
  }

  /** Listed, described, its offsets read, set and deleted, and the group deleted. */
  static void administration(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "share-admin", 2);
    String group = Harness.unique("share");
    TopicPartition partition = new TopicPartition(topic, 0);
    try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", bootstrap))) {
      try (var consumer = consumer(bootstrap, group, Map.of())) {
        begin(bootstrap, consumer, topic, 2);
        ShareGroupDescription described =
            Harness.get(admin.describeShareGroups(List.of(group)).describedGroups().get(group));
        Harness.equal(described.groupState(), GroupState.STABLE);
        Harness.equal(described.members().size(), 1);
        Harness.equal(
            described.members().iterator().next().assignment().topicPartitions(),
            Set.of(partition, new TopicPartition(topic, 1)));
        Harness.refused(
            GroupNotEmptyException.class,
            () -> Harness.get(admin.alterShareGroupOffsets(group, Map.of(partition, 0L)).all()));
        Harness.refused(
            GroupNotEmptyException.class, () -> Harness.get(admin.deleteShareGroups(List.of(group)).all()));
        poll(consumer, 100);
      }
      var listed = Harness.get(admin.listGroups(ListGroupsOptions.forShareGroups()).all());
      Harness.equal(listed.stream().filter(one -> one.groupId().equals(group)).map(one -> one.type().get()).toList(), List.of(GroupType.SHARE));
      Harness.equal(offset(admin, group, partition) > 0, true);
      Harness.get(admin.alterShareGroupOffsets(group, Map.of(partition, 0L)).all());
      Harness.equal(offset(admin, group, partition), 0L);
      try (var consumer = consumer(bootstrap, group, Map.of())) {
        consumer.subscribe(List.of(topic));
        List<Long> offsets = new ArrayList<>();
        Harness.until(
            "the first record",
            () -> {
              poll(consumer, 200).forEach(record -> offsets.add(record.offset()));
              return !offsets.isEmpty();
            },
            () -> offsets);
        Harness.equal(offsets.get(0), 0L);
      }
      Harness.get(admin.deleteShareGroupOffsets(group, Set.of(topic)).all());
      Harness.equal(offset(admin, group, partition), -1L);
      Harness.get(admin.deleteShareGroups(List.of(group)).all());
      Harness.equal(
          Harness.get(admin.listGroups(ListGroupsOptions.forShareGroups()).all()).stream()
              .filter(one -> one.groupId().equals(group))
              .count(),
          0L);
    }
  }

  private static long offset(Admin admin, String group, TopicPartition partition) throws Exception {
    var spec = Map.of(group, new ListShareGroupOffsetsSpec());
    var offsets = Harness.get(admin.listShareGroupOffsets(spec).partitionsToOffsetInfo(group));
    var info = offsets.get(partition);
    return info == null ? -1 : info.startOffset();
  }
}
