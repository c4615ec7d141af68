import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnreleasedInstanceIdException;

/** Groups of the consumer protocol (KIP-848), whose members the server gives their partitions. */
final class ConsumerProtocol {
  private static final Map<String, Object> CONSUMER = Map.of("group.protocol", "consumer");
  private static final Set<Integer> ALL = Set.of(0, 1, 2, 3, 4, 5);

  private ConsumerProtocol() {}

  private static Map<String, Object> with(String name, Object value) {
    Map<String, Object> options = new HashMap<>(CONSUMER);
    options.put(name, value);
    return options;
  }

  static void members(String bootstrap, String none) throws Exception {
    Groups.changeMembers(bootstrap, CONSUMER);
    String topic = Administration.createTopic(bootstrap, "consumer", 6);
    String group = Harness.unique("consumer");
    var members = new ArrayList<Groups.Member>();
    for (int i = 0; i < 3; i++) members.add(new Groups.Member(bootstrap, group, topic, CONSUMER));
    Harness.until("two each", () -> members.stream().allMatch(one -> one.owned.size() == 2), () -> members);
    try (Admin admin = Administration.connect(bootstrap)) {
      Harness.until(
          "a stable group", () -> describe(admin, group).groupState() == GroupState.STABLE, () -> members);
      ConsumerGroupDescription described = describe(admin, group);
      Harness.equal(described.type(), GroupType.CONSUMER);
      Harness.equal(described.partitionAssignor(), "uniform");
      Set<TopicPartition> assigned = new java.util.HashSet<>();
      described.members().forEach(one -> assigned.addAll(one.assignment().topicPartitions()));
      Harness.equal(assigned, Set.copyOf(Records.partitions(topic, 6)));
      var listed = Harness.get(admin.listGroups(new ListGroupsOptions().withTypes(Set.of(GroupType.CONSUMER))).all());
      Harness.equal(listed.stream().anyMatch(one -> one.groupId().equals(group)), true);
      for (var one : members) one.leave();
      Harness.equal(describe(admin, group).groupState(), GroupState.EMPTY);
      Harness.get(admin.deleteConsumerGroups(List.of(group)).all());
    }
  }

  private static ConsumerGroupDescription describe(Admin admin, String group) {
    try {
      return Harness.get(admin.describeConsumerGroups(List.of(group)).all()).get(group);
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  static void range(String bootstrap, String none) throws Exception {
    Groups.changeMembers(bootstrap, with("group.remote.assignor", "range"));
  }

  static void regex(String bootstrap, String none) throws Exception {
    String first = Administration.createTopic(bootstrap, "pattern", 2);
    String group = Harness.unique("pattern");
    Map<String, Object> options = with("metadata.max.age.ms", 1_000);
    var member =
        new Groups.Member(
            bootstrap,
            group,
            options,
            (consumer, listener) -> consumer.subscribe(new SubscriptionPattern("pattern-?.*"), listener));
    Harness.until("the first topic", () -> member.owned.equals(Set.of(0, 1)), () -> member);
    Administration.createTopic(bootstrap, "pattern", 4);
    Administration.createTopic(bootstrap, "other", 6);
    Harness.until("the second topic", () -> member.owned.equals(Set.of(0, 1, 2, 3)), () -> List.of(first, member));
    member.leave();
  }

  static void staticMember(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "static", 4);
    String group = Harness.unique("static");
    var one = new Groups.Member(bootstrap, group, topic, with("group.instance.id", "one"));
    var two = new Groups.Member(bootstrap, group, topic, with("group.instance.id", "two"));
    Harness.until("half each", () -> one.owned.size() == 2 && two.owned.size() == 2, () -> List.of(one, two));
    Set<Integer> mine = one.ownedNow();
    int assignments = two.assignments;
    var twin = new Groups.Member(bootstrap, group, topic, with("group.instance.id", "two"));
    Harness.until("the double to be refused", () -> twin.failure != null, () -> twin);
    Harness.equal(twin.failure.getClass(), UnreleasedInstanceIdException.class);
    one.leave();
    var again = new Groups.Member(bootstrap, group, topic, with("group.instance.id", "one"));
    Harness.until("the same again", () -> again.owned.equals(mine), () -> List.of(again, two));
    Harness.equal(two.assignments, assignments);
    again.leave();
    two.leave();
  }

  static void migration(String bootstrap, String none) throws Exception {
    for (Class<?> assignor : new Class<?>[] {RangeAssignor.class, CooperativeStickyAssignor.class}) {
      Map<String, Object> classic = Map.of("partition.assignment.strategy", assignor.getName());
      String topic = Administration.createTopic(bootstrap, "migration", 6);
      String group = Harness.unique("migration");
      var old = new Groups.Member(bootstrap, group, topic, classic);
      Harness.until("all for the classic member", () -> old.owned.equals(ALL), () -> old);
      Groups.spread(bootstrap, topic, 0, 60);
      Harness.until("its records", () -> old.got.size() == 60, () -> old);
      var fresh = new Groups.Member(bootstrap, group, topic, CONSUMER);
      Harness.until("half each", () -> apart(old, fresh), () -> List.of(old, fresh));
      Groups.spread(bootstrap, topic, 60, 120);
      Harness.until("records of both", () -> old.got.size() + fresh.got.size() >= 120, () -> List.of(old, fresh));
      try (Admin admin = Administration.connect(bootstrap)) {
        Harness.equal(describe(admin, group).type(), GroupType.CONSUMER);
        fresh.leave();
        Harness.until("all for the classic member again", () -> old.owned.equals(ALL), () -> old);
        Harness.until("a classic group", () -> describe(admin, group).type() == GroupType.CLASSIC, () -> old);
      }
      Groups.spread(bootstrap, topic, 120, 180);
      Harness.until("the rest", () -> old.got.size() + fresh.got.size() >= 180, () -> List.of(old, fresh));
      List<String> got = new ArrayList<>(old.got);
      got.addAll(fresh.got);
      Harness.equal(got.stream().sorted().toList(), Harness.texts(0, 180).stream().sorted().toList());
      var last = new Groups.Member(bootstrap, group, topic, CONSUMER);
      Harness.until("half each again", () -> apart(old, last), () -> List.of(old, last));
      old.leave();
      Harness.until("all for the member of the consumer protocol", () -> last.owned.equals(ALL), () -> last);
      last.leave();
    }
  }

  private static boolean apart(Groups.Member one, Groups.Member other) {
    Set<Integer> both = one.ownedNow();
    both.addAll(other.owned);
    return one.owned.size() == 3 && other.owned.size() == 3 && both.size() == IntStream.range(0, 6).count();
  }
}
