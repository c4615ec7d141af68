import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.GroupNotEmptyException;

/** Groups of the classic protocol. */
final class Groups {
  private Groups() {}

  static KafkaConsumer<byte[], byte[]> consumer(String bootstrap, String group, Map<String, Object> options) {
    Map<String, Object> config = new HashMap<>();
    config.put("group.id", group);
    config.put("group.protocol", "classic");
    // With the other protocol the server says how often, and how long.
    if (!"consumer".equals(options.get("group.protocol"))) {
      config.put("heartbeat.interval.ms", 300);
      config.put("session.timeout.ms", 10_000);
    }
    config.putAll(options);
    return Records.consumer(bootstrap, config);
  }

  /** A member of a group, in a thread: commits what it was given after each poll. */
  static final class Member {
    final Set<Integer> owned = new ConcurrentSkipListSet<>();
    final List<String> got = new CopyOnWriteArrayList<>();
    volatile Exception failure;
    volatile int assignments;
    private volatile boolean leaving;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Thread thread;

    /** A copy. TreeSet's own way to copy a sorted set breaks if the set shrinks meanwhile. */
    Set<Integer> ownedNow() {
      return new TreeSet<>(List.copyOf(owned));
    }

    Member(String bootstrap, String group, String topic, Map<String, Object> options) {
      this(bootstrap, group, options, (consumer, listener) -> consumer.subscribe(List.of(topic), listener));
    }

    Member(
        String bootstrap,
        String group,
        Map<String, Object> options,
        BiConsumer<KafkaConsumer<byte[], byte[]>, ConsumerRebalanceListener> subscribe) {
      consumer = consumer(bootstrap, group, options);
      thread = new Thread(() -> run(subscribe));
      thread.setDaemon(true);
      thread.start();
    }

    private void run(BiConsumer<KafkaConsumer<byte[], byte[]>, ConsumerRebalanceListener> subscribe) {
      try (consumer) {
        subscribe.accept(consumer, listener());
        while (!leaving) {
          var records = consumer.poll(Duration.ofMillis(200));
          List<String> values = new ArrayList<>();
          records.forEach(record -> values.add(Records.text(record.value())));
          got.addAll(values);
          if (!values.isEmpty()) consumer.commitSync();
        }
      } catch (Exception error) {
        failure = error;
      }
    }

    private ConsumerRebalanceListener listener() {
      return new ConsumerRebalanceListener() {
        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
          assignments++;
          partitions.forEach(partition -> owned.add(partition.partition()));
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
          partitions.forEach(partition -> owned.remove(partition.partition()));
        }
      };
    }

    /** Static members stay in the group. */
    void leave() throws Exception {
      leaving = true;
      thread.join(30_000);
      if (failure != null) throw failure;
    }

    @Override
    public String toString() {
      return owned + " " + got.size() + " " + failure;
    }
  }

  static void range(String bootstrap, String none) throws Exception {
    changeMembers(bootstrap, assigning(RangeAssignor.class));
  }

  static void roundRobin(String bootstrap, String none) throws Exception {
    changeMembers(bootstrap, assigning(RoundRobinAssignor.class));
  }

  static void cooperative(String bootstrap, String none) throws Exception {
    changeMembers(bootstrap, assigning(CooperativeStickyAssignor.class));
  }

  private static Map<String, Object> assigning(Class<?> assignor) {
    return Map.of("partition.assignment.strategy", assignor.getName());
  }

  static void changeMembers(String bootstrap, Map<String, Object> options) throws Exception {
    String topic = Administration.createTopic(bootstrap, "group", 6);
    String group = Harness.unique("group");
    Set<Integer> all = Set.of(0, 1, 2, 3, 4, 5);
    Member first = new Member(bootstrap, group, topic, options);
    Harness.until("all for the first", () -> first.owned.equals(all), () -> first);
    Member second = new Member(bootstrap, group, topic, options);
    Harness.until(
        "half each", () -> first.owned.size() == 3 && second.owned.size() == 3, () -> List.of(first, second));
    Set<Integer> both = first.ownedNow();
    both.addAll(second.owned);
    Harness.equal(both, all);
    spread(bootstrap, topic, 0, 600);
    Harness.until(
        "records of both", () -> first.got.size() + second.got.size() >= 600, () -> List.of(first, second));
    List<String> got = new ArrayList<>(first.got);
    got.addAll(second.got);
    Harness.equal(got.stream().sorted().toList(), Harness.texts(0, 600).stream().sorted().toList());
    Harness.equal(first.got.size(), 300);
    second.leave();
    Harness.until("all for the first again", () -> first.owned.equals(all), () -> first);
    spread(bootstrap, topic, 600, 900);
    Harness.until("records of the rest", () -> first.got.size() >= 600, () -> first);
    Harness.equal(
        first.got.subList(300, first.got.size()).stream().sorted().toList(), Harness.texts(600, 900));
    first.leave();
  }

  static void spread(String bootstrap, String topic, int from, int to) throws Exception {
    var records = IntStream.range(from, to).mapToObj(index -> Records.record(topic, index % 6, index)).toList();
    Records.produce(bootstrap, records, Map.of());
  }

  private static Member joinAs(String instance, String bootstrap, String group, String topic) {
    return new Member(bootstrap, group, topic, Map.of("group.instance.id", instance));
  }

  static void staticMember(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "static", 4);
    String group = Harness.unique("static");
    Member one = joinAs("one", bootstrap, group, topic);
    Member two = joinAs("two", bootstrap, group, topic);
    Harness.until("half each", () -> one.owned.size() == 2 && two.owned.size() == 2, () -> List.of(one, two));
    Set<Integer> mine = one.ownedNow();
    int assignments = two.assignments;
    one.leave();
    Member again = joinAs("one", bootstrap, group, topic);
    Harness.until("the same again", () -> again.owned.equals(mine), () -> List.of(again, two));
    Harness.equal(two.assignments, assignments);
    again.leave();
    two.leave();
  }

  static void staticFence(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "fence", 2);
    String group = Harness.unique("fence");
    Member first = joinAs("one", bootstrap, group, topic);
    Harness.until("all for the first", () -> first.owned.size() == 2, () -> first);
    Member twin = joinAs("one", bootstrap, group, topic);
    Harness.until("the first to be fenced", () -> first.failure != null, () -> List.of(first, twin));
    Harness.equal(first.failure.getClass(), FencedInstanceIdException.class);
    Harness.until("all for its double", () -> twin.owned.size() == 2, () -> twin);
    twin.leave();
  }

  static void commitResume(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "commit", 1);
    String group = Harness.unique("commit");
    TopicPartition place = new TopicPartition(topic, 0);
    Records.produce(bootstrap, Records.numbered(topic, 0, 10, 0), Map.of());
    try (var consumer = consumer(bootstrap, group, Map.of())) {
      consumer.subscribe(List.of(topic));
      Harness.equal(Records.values(Records.poll(consumer, 10)), Harness.texts(0, 10));
      consumer.commitSync(Map.of(place, new OffsetAndMetadata(4, "a note")));
    }
    try (var consumer = consumer(bootstrap, group, Map.of())) {
      consumer.subscribe(List.of(topic));
      Harness.equal(Records.values(Records.poll(consumer, 6)), Harness.texts(4, 10));
      Harness.equal(consumer.committed(Set.of(place)).get(place).metadata(), "a note");
    }
  }

  static void groups(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "groups", 2);
    String group = Harness.unique("groups");
    TopicPartition place = new TopicPartition(topic, 1);
    Member member = new Member(bootstrap, group, topic, Map.of());
    Harness.until("a member", () -> member.owned.size() == 2, () -> member);
    try (Admin admin = Administration.connect(bootstrap)) {
      Harness.equal(listed(admin, group), true);
      ConsumerGroupDescription described = Harness.get(admin.describeConsumerGroups(List.of(group)).all()).get(group);
      Harness.equal(described.groupState(), GroupState.STABLE);
      Harness.equal(described.members().size(), 1);
      var one = described.members().iterator().next();
      Harness.equal(one.clientId(), Records.CLIENT_ID);
      Harness.equal(one.assignment().topicPartitions(), Set.copyOf(Records.partitions(topic, 2)));
      Harness.refused(
          GroupNotEmptyException.class, () -> Harness.get(admin.deleteConsumerGroups(List.of(group)).all()));
      member.leave();
      Harness.get(admin.alterConsumerGroupOffsets(group, Map.of(place, new OffsetAndMetadata(3, "set"))).all());
      var offsets = Harness.get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
      Harness.equal(offsets.get(place).offset(), 3L);
      Harness.get(admin.deleteConsumerGroupOffsets(group, Set.of(place)).all());
      var left = Harness.get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
      Harness.equal(left.get(place), null);
      Harness.get(admin.alterConsumerGroupOffsets(group, Map.of(place, new OffsetAndMetadata(1))).all());
      Harness.get(admin.deleteConsumerGroups(List.of(group)).all());
      Harness.equal(listed(admin, group), false);
    }
  }

  private static boolean listed(Admin admin, String group) throws Exception {
    return Harness.get(admin.listGroups().all()).stream().anyMatch(one -> one.groupId().equals(group));
  }
}
