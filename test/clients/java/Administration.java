import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Topics, configs, the cluster. */
final class Administration {
  private Administration() {}

  static Admin connect(String bootstrap) {
    return Admin.create(
        Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap, AdminClientConfig.CLIENT_ID_CONFIG, Records.CLIENT_ID));
  }

  static String createTopic(String bootstrap, String name, int partitions) throws Exception {
    String topic = Harness.unique(name);
    try (Admin admin = connect(bootstrap)) {
      create(admin, topic, partitions);
    }
    return topic;
  }

  static Uuid create(Admin admin, String topic, int partitions) throws Exception {
    CreateTopicsResult created = admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1)));
    Harness.get(created.all());
    return Harness.get(created.topicId(topic));
  }

  private static TopicDescription describe(Admin admin, String topic) throws Exception {
    return Harness.get(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic);
  }

  static void topicLifecycle(String bootstrap, String none) throws Exception {
    String topic = Harness.unique("lifecycle");
    try (Admin admin = connect(bootstrap)) {
      NewTopic wanted = new NewTopic(topic, 3, (short) 1);
      Harness.get(admin.createTopics(List.of(wanted), new CreateTopicsOptions().validateOnly(true)).all());
      Harness.equal(Harness.get(admin.listTopics().names()).contains(topic), false);
      Uuid id = create(admin, topic, 3);
      Harness.until("the topic", () -> listed(admin).contains(topic), () -> listed(admin));
      Harness.equal(describe(admin, topic).partitions().size(), 3);
      Harness.equal(describe(admin, topic).topicId(), id);
      Records.produce(bootstrap, Records.numbered(topic, 0, 10, 0), Map.of());
      Harness.get(admin.deleteTopics(Set.of(topic)).all());
      Harness.until("the topic to go", () -> !listed(admin).contains(topic), () -> listed(admin));
      Harness.equal(create(admin, topic, 2).equals(id), false);
      Records.produce(bootstrap, Records.numbered(topic, 20, 23, 0), Map.of());
      var got = Records.read(bootstrap, topic, 1, 3, Map.of());
      Harness.equal(Records.values(got), Harness.texts(20, 23));
      Harness.equal(got.get(0).offset(), 0L);
    }
  }

  private static Set<String> listed(Admin admin) {
    try {
      return Harness.get(admin.listTopics().names());
    } catch (Exception error) {
      throw new Harness.Failure(error.toString());
    }
  }

  static void topicErrors(String bootstrap, String none) throws Exception {
    String topic = createTopic(bootstrap, "errors", 1);
    try (Admin admin = connect(bootstrap)) {
      Harness.refused(TopicExistsException.class, () -> create(admin, topic, 1));
      Harness.refused(InvalidTopicException.class, () -> create(admin, "a b", 1));
      Harness.refused(InvalidPartitionsException.class, () -> create(admin, Harness.unique("none"), 0));
      Harness.refused(
          UnknownTopicOrPartitionException.class,
          () -> Harness.get(admin.deleteTopics(Set.of("no-such-topic")).all()));
    }
  }

  static void createPartitions(String bootstrap, String none) throws Exception {
    String topic = createTopic(bootstrap, "grow", 1);
    try (Admin admin = connect(bootstrap)) {
      Harness.get(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all());
      Records.produce(bootstrap, Records.numbered(topic, 0, 5, 3), Map.of());
      Harness.equal(Records.values(Records.read(bootstrap, topic, 4, 5, Map.of())), Harness.texts(0, 5));
      Harness.equal(describe(admin, topic).partitions().size(), 4);
      Harness.refused(
          InvalidPartitionsException.class,
          () -> Harness.get(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all()));
    }
  }

  static void describeConfigs(String bootstrap, String none) throws Exception {
    String topic = Harness.unique("configs");
    try (Admin admin = connect(bootstrap)) {
      NewTopic wanted = new NewTopic(topic, Optional.empty(), Optional.empty());
      Harness.get(admin.createTopics(List.of(wanted.configs(Map.of("retention.ms", "3600000")))).all());
      ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
      Config config = Harness.get(admin.describeConfigs(List.of(resource)).all()).get(resource);
      Harness.equal(config.get("retention.ms").value(), "3600000");
      Harness.equal(config.get("retention.ms").isDefault(), false);
      Harness.equal(config.get("cleanup.policy").value(), "delete");
      Harness.equal(config.get("cleanup.policy").isDefault(), true);
      Harness.equal(Integer.parseInt(config.get("max.message.bytes").value()) >= 1_000_000, true);
    }
  }

  static void cluster(String bootstrap, String none) throws Exception {
    try (Admin admin = connect(bootstrap)) {
      var described = admin.describeCluster();
      Harness.equal(Harness.get(described.clusterId()).isEmpty(), false);
      List<Node> nodes = List.copyOf(Harness.get(described.nodes()));
      Harness.equal(nodes.contains(Harness.get(described.controller())), true);
      Harness.equal(nodes.stream().map(node -> node.host() + ":" + node.port()).toList().contains(bootstrap), true);
    }
  }

  static void unknownTopic(String bootstrap, String none) throws Exception {
    String topic = Harness.unique("no-such-topic");
    try (Admin admin = connect(bootstrap)) {
      Harness.refused(UnknownTopicOrPartitionException.class, () -> describe(admin, topic));
    }
    try (var consumer = Records.consumer(bootstrap, Map.of("allow.auto.create.topics", "false"))) {
      Harness.equal(consumer.partitionsFor(topic), List.of());
    }
  }

  static void listOffsets(String bootstrap, String none) throws Exception {
    String topic = createTopic(bootstrap, "list", 3);
    var all = new java.util.ArrayList<>(Records.numbered(topic, 0, 10, 0));
    all.addAll(Records.numbered(topic, 0, 4, 2));
    Records.produce(bootstrap, all, Map.of());
    try (Admin admin = connect(bootstrap)) {
      Harness.equal(offsets(admin, topic, 3, OffsetSpec.earliest()), List.of(0L, 0L, 0L));
      Harness.equal(offsets(admin, topic, 3, OffsetSpec.latest()), List.of(10L, 0L, 4L));
      Harness.equal(offsets(admin, topic, 3, OffsetSpec.forTimestamp(0)), List.of(0L, -1L, 0L));
    }
  }

  static List<Long> offsets(Admin admin, String topic, int partitions, OffsetSpec spec) throws Exception {
    Map<TopicPartition, OffsetSpec> wanted = new java.util.HashMap<>();
    for (int partition = 0; partition < partitions; partition++) wanted.put(new TopicPartition(topic, partition), spec);
    var listed = Harness.get(admin.listOffsets(wanted).all());
    return IntStream.range(0, partitions)
        .mapToObj(partition -> listed.get(new TopicPartition(topic, partition)).offset())
        .toList();
  }
}
