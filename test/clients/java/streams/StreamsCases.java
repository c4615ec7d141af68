import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.StreamsGroupDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;

/** Kafka Streams, with groups of its own protocol (KIP-1071) and of the classic one. */
final class StreamsCases {
  private StreamsCases() {}

  private static final String LINE = "the quick fox and the lazy dog and the end";
  private static final Map<String, Long> COUNTS =
      Map.of("the", 3L, "quick", 1L, "fox", 1L, "and", 2L, "lazy", 1L, "dog", 1L, "end", 1L);

  public static void main(String[] args) {
    Map<String, Harness.Case> cases = new LinkedHashMap<>();
    for (String protocol : List.of("streams", "classic")) {
      cases.put("streams-words-" + protocol, (bootstrap, none) -> words(bootstrap, protocol));
      cases.put("streams-exactly-once-" + protocol, (bootstrap, none) -> exactlyOnce(bootstrap, protocol));
      cases.put("streams-join-" + protocol, (bootstrap, none) -> join(bootstrap, protocol));
    }
    cases.put("streams-missing-source", StreamsCases::missingSource);
    Harness.runCases(cases, args);
  }

  /** An application, and how it is to be ended. */
  private static KafkaStreams start(
      String bootstrap, String application, StreamsBuilder builder, Map<String, Object> options) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("application.id", application);
    config.put("client.id", Harness.unique("streams"));
    config.put("state.dir", Files.createTempDirectory("streams").toString());
    config.put("commit.interval.ms", 100);
    config.put("statestore.cache.max.bytes", 0);
    config.put("consumer.auto.offset.reset", "earliest");
    config.put("metadata.max.age.ms", 1_000);
    config.put("default.key.serde", Serdes.String().getClass().getName());
    config.put("default.value.serde", Serdes.String().getClass().getName());
    config.putAll(options);
    KafkaStreams streams = new KafkaStreams(builder.build(), config);
    streams.start();
    return streams;
  }

  private static Map<String, Object> with(String protocol, Object... more) {
    Map<String, Object> options = new HashMap<>(Map.of("group.protocol", protocol));
    for (int i = 0; i < more.length; i += 2) options.put((String) more[i], more[i + 1]);
    return options;
  }

  private static StreamsBuilder counting(String input, String output) {
    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(input, Consumed.with(Serdes.String(), Serdes.String()))
        .flatMapValues(line -> List.of(line.split(" ")))
        .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
        .count(Materialized.as("counts"))
        .toStream()
        .to(output, Produced.with(Serdes.String(), Serdes.Long()));
    return builder;
  }

  private static List<String> topics(String bootstrap, int partitions, String... names) throws Exception {
    List<String> made = new ArrayList<>();
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      for (String name : names) {
        String topic = Harness.unique(name);
        Harness.get(admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all());
        made.add(topic);
      }
    }
    return made;
  }

  private static void write(String bootstrap, String topic, int times) throws Exception {
    Map<String, Object> config = Map.of("bootstrap.servers", bootstrap);
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (int i = 0; i < times; i++) producer.send(new ProducerRecord<>(topic, "key-" + i, LINE));
    }
  }

  /** The last count of each word, as they come, until they are as expected. */
  private static void expectCounts(String bootstrap, String topic, long times) throws Exception {
    Map<String, Long> expected = new TreeMap<>();
    COUNTS.forEach((word, count) -> expected.put(word, count * times));
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", bootstrap);
    config.put("group.id", Harness.unique("counts"));
    config.put("auto.offset.reset", "earliest");
    config.put("isolation.level", "read_committed");
    Map<String, Long> counts = new ConcurrentHashMap<>();
    try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new LongDeserializer())) {
      consumer.subscribe(List.of(topic));
      Harness.until(
          "the counts",
          () -> {
            consumer.poll(Duration.ofMillis(100)).forEach(record -> counts.merge(record.key(), record.value(), Math::max));
            return new TreeMap<>(counts).equals(expected);
          },
          () -> new TreeMap<>(counts));
    }
  }

  private static void words(String bootstrap, String protocol) throws Exception {
    List<String> topics = topics(bootstrap, 4, "lines", "counts");
    String application = Harness.unique("words");
    KafkaStreams first = start(bootstrap, application, counting(topics.get(0), topics.get(1)), with(protocol, "num.stream.threads", 2));
    try {
      write(bootstrap, topics.get(0), 50);
      expectCounts(bootstrap, topics.get(1), 50);
      KafkaStreams second = start(bootstrap, application, counting(topics.get(0), topics.get(1)), with(protocol));
      try {
        Harness.until("the second to run", () -> second.state() == KafkaStreams.State.RUNNING && tasks(second) > 0, second::state);
        write(bootstrap, topics.get(0), 50);
        expectCounts(bootstrap, topics.get(1), 100);
        if (protocol.equals("streams")) described(bootstrap, application, 3);
      } finally {
        second.close(Duration.ofSeconds(20));
      }
      Harness.until("all tasks for the first", () -> tasks(first) == 8, () -> tasks(first));
      write(bootstrap, topics.get(0), 50);
      expectCounts(bootstrap, topics.get(1), 150);
    } finally {
      first.close(Duration.ofSeconds(20));
    }
    internalTopics(bootstrap, application);
  }

  private static int tasks(KafkaStreams streams) {
    return streams.metadataForLocalThreads().stream().mapToInt(thread -> thread.activeTasks().size()).sum();
  }

  private static void described(String bootstrap, String application, int members) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      StreamsGroupDescription group = Harness.get(admin.describeStreamsGroups(List.of(application)).all()).get(application);
      Harness.equal(group.members().size(), members);
      Harness.equal(Set.of(GroupState.STABLE, GroupState.RECONCILING).contains(group.groupState()), true);
      Harness.equal(group.subtopologies().size(), 2);
    }
  }

  private static void internalTopics(String bootstrap, String application) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      String changelog = application + "-counts-changelog";
      Set<String> names = Harness.get(admin.listTopics().names());
      Harness.equal(names.contains(changelog), true);
      Harness.equal(names.contains(application + "-counts-repartition"), true);
      var resource = new ConfigResource(ConfigResource.Type.TOPIC, changelog);
      var config = Harness.get(admin.describeConfigs(List.of(resource)).all()).get(resource);
      Harness.equal(config.get("cleanup.policy").value(), "compact");
    }
  }

  /** One instance is closed without warning in the middle; each line counts once all the same. */
  private static void exactlyOnce(String bootstrap, String protocol) throws Exception {
    List<String> topics = topics(bootstrap, 3, "lines", "counts");
    String application = Harness.unique("once");
    Map<String, Object> options = with(protocol, "processing.guarantee", "exactly_once_v2");
    KafkaStreams first = start(bootstrap, application, counting(topics.get(0), topics.get(1)), options);
    write(bootstrap, topics.get(0), 30);
    expectCounts(bootstrap, topics.get(1), 30);
    KafkaStreams second = start(bootstrap, application, counting(topics.get(0), topics.get(1)), options);
    try {
      write(bootstrap, topics.get(0), 60);
      first.close(Duration.ofMillis(1));
      write(bootstrap, topics.get(0), 30);
      expectCounts(bootstrap, topics.get(1), 120);
    } finally {
      second.close(Duration.ofSeconds(20));
      first.close(Duration.ofSeconds(20));
    }
  }

  private static void join(String bootstrap, String protocol) throws Exception {
    List<String> topics = topics(bootstrap, 3, "left", "right", "joined");
    StreamsBuilder builder = new StreamsBuilder();
    var left = builder.<String, String>stream(topics.get(0));
    var right = builder.<String, String>stream(topics.get(1));
    left.join(
            right,
            (one, other) -> one.length() + "+" + other.length(),
            JoinWindows.ofTimeDifferenceWithNoGrace(Duration.ofHours(1)),
            StreamJoined.as("pairs"))
        .to(topics.get(2));
    KafkaStreams streams = start(bootstrap, Harness.unique("join"), builder, with(protocol));
    try {
      write(bootstrap, topics.get(0), 20);
      write(bootstrap, topics.get(1), 20);
      Map<String, Object> config =
          Map.of("bootstrap.servers", bootstrap, "group.id", Harness.unique("joined"), "auto.offset.reset", "earliest");
      Set<String> keys = ConcurrentHashMap.newKeySet();
      try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
        consumer.subscribe(List.of(topics.get(2)));
        Harness.until(
            "the pairs",
            () -> {
              consumer.poll(Duration.ofMillis(100)).forEach(record -> keys.add(record.key()));
              return keys.size() == 20;
            },
            () -> keys);
      }
    } finally {
      streams.close(Duration.ofSeconds(20));
    }
  }

  /** The group says that it waits for a topic, and begins when that is there. */
  private static void missingSource(String bootstrap, String none) throws Exception {
    String input = Harness.unique("later");
    String output = topics(bootstrap, 2, "counts").get(0);
    String application = Harness.unique("missing");
    KafkaStreams streams = start(bootstrap, application, counting(input, output), with("streams"));
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      Harness.until("a group that is not ready", () -> state(admin, application) == GroupState.NOT_READY, () -> state(admin, application));
      Harness.get(admin.createTopics(List.of(new NewTopic(input, 2, (short) 1))).all());
      write(bootstrap, input, 10);
      expectCounts(bootstrap, output, 10);
    } finally {
      streams.close(Duration.ofSeconds(20));
    }
  }

  private static GroupState state(Admin admin, String application) {
    try {
      return Harness.get(admin.describeStreamsGroups(List.of(application)).all()).get(application).groupState();
    } catch (Exception error) {
      return GroupState.UNKNOWN;
    }
  }
}
