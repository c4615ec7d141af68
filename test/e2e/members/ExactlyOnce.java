import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** BOOTSTRAP fill TOPIC COUNT | transform FROM TO COUNT | read TOPIC COUNT | fence TOPIC | abort TOPIC */
public class ExactlyOnce {
  static final int PARTITIONS = 4;
  static String bootstrap;

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    switch (args[1]) {
      case "fill" -> fill(args[2], Integer.parseInt(args[3]));
      case "transform" -> transform(args[2], args[3], Integer.parseInt(args[4]));
      case "read" -> read(args[2], Integer.parseInt(args[3]));
      case "fence" -> fence(args[2]);
      case "abort" -> abort(args[2]);
      default -> throw new IllegalArgumentException(args[1]);
    }
    Thread.sleep(Long.MAX_VALUE);
  }

  static void fill(String topic, int count) throws Exception {
    create(topic);
    try (KafkaProducer<String, String> producer = producer(null)) {
      for (int i = 0; i < count; i++) producer.send(new ProducerRecord<>(topic, i % PARTITIONS, "key", String.valueOf(i)));
    }
    say("DONE filled " + count);
  }

  /** Ends when its group has read all records of the input. */
  static void transform(String from, String to, int count) throws Exception {
    create(to);
    int committed = 0;
    while (true) {
      try (KafkaConsumer<String, String> consumer = consumer("transformers", 20);
          KafkaProducer<String, String> producer = producer("transformer")) {
        producer.initTransactions();
        consumer.subscribe(List.of(from));
        while (readSoFar(consumer, from) < count) {
          ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
          if (records.isEmpty()) continue;
          producer.beginTransaction();
          try {
            Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
            for (ConsumerRecord<String, String> record : records) {
              producer.send(new ProducerRecord<>(to, record.partition(), record.key(), record.value()));
              offsets.put(
                  new TopicPartition(from, record.partition()), new OffsetAndMetadata(record.offset() + 1));
            }
            producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
            producer.commitTransaction();
            say("COMMITTED " + ++committed);
          } catch (ProducerFencedException | CommitFailedException fenced) {
            throw fenced;
          } catch (KafkaException failed) {
            System.err.println(failed);
            producer.abortTransaction();
            rewind(consumer);
          }
        }
        say("DONE transformed");
        return;
      } catch (KafkaException failed) {
        System.err.println(failed);
      }
    }
  }

  static long readSoFar(KafkaConsumer<String, String> consumer, String topic) {
    Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(new HashSet<>(partitions(topic)));
    return committed.values().stream().mapToLong(offset -> offset == null ? 0 : offset.offset()).sum();
  }

  static void rewind(KafkaConsumer<String, String> consumer) {
    Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
    for (TopicPartition partition : consumer.assignment()) {
      OffsetAndMetadata offset = committed.get(partition);
      consumer.seek(partition, offset == null ? 0 : offset.offset());
    }
  }

  static void read(String topic, int count) {
    List<String> values = new ArrayList<>();
    boolean inOrder = true;
    int[] last = new int[PARTITIONS];
    try (KafkaConsumer<String, String> consumer = consumer(null, 500)) {
      consumer.assign(partitions(topic));
      consumer.seekToBeginning(partitions(topic));
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions(topic));
      while (partitions(topic).stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
          int value = Integer.parseInt(record.value());
          if (value < last[record.partition()]) inOrder = false;
          last[record.partition()] = value;
          values.add(record.value());
        }
      }
    }
    say("DONE read " + values.size() + " distinct " + new HashSet<>(values).size() + " in order " + inOrder);
  }

  static void fence(String topic) throws Exception {
    create(topic);
    KafkaProducer<String, String> zombie = producer("fenced");
    zombie.initTransactions();
    zombie.beginTransaction();
    zombie.send(new ProducerRecord<>(topic, 0, "key", "zombie"));
    zombie.flush();
    KafkaProducer<String, String> second = producer("fenced");
    second.initTransactions();
    String answer = "none";
    try {
      zombie.commitTransaction();
    } catch (KafkaException refused) {
      answer = refused.getClass().getSimpleName();
    }
    second.beginTransaction();
    second.send(new ProducerRecord<>(topic, 0, "key", "second"));
    second.commitTransaction();
    say("DONE fenced " + answer + " read " + valuesOf(topic));
  }

  static void abort(String topic) throws Exception {
    create(topic);
    KafkaProducer<String, String> producer = producer("aborting");
    producer.initTransactions();
    for (String value : List.of("a", "b", "c", "d")) {
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(topic, 0, "key", value)).get();
      if (value.equals("a") || value.equals("c")) producer.abortTransaction();
      else producer.commitTransaction();
    }
    say("DONE aborted read " + valuesOf(topic));
  }

  static List<String> valuesOf(String topic) {
    List<String> values = new ArrayList<>();
    try (KafkaConsumer<String, String> consumer = consumer(null, 500)) {
      TopicPartition partition = new TopicPartition(topic, 0);
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      long end = consumer.endOffsets(List.of(partition)).get(partition);
      while (consumer.position(partition) < end) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) values.add(record.value());
      }
    }
    return values;
  }

  static List<TopicPartition> partitions(String topic) {
    List<TopicPartition> partitions = new ArrayList<>();
    for (int i = 0; i < PARTITIONS; i++) partitions.add(new TopicPartition(topic, i));
    return partitions;
  }

  static void create(String topic) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      if (!admin.listTopics().names().get().contains(topic)) {
        admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1))).all().get();
      }
    }
  }

  static KafkaProducer<String, String> producer(String transactionalId) {
    Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap));
    if (transactionalId != null) config.put("transactional.id", transactionalId);
    config.put("reconnect.backoff.max.ms", 200);
    return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
  }

  static KafkaConsumer<String, String> consumer(String group, int recordsMax) {
    Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap));
    if (group != null) config.put("group.id", group);
    config.put("session.timeout.ms", 6000);
    config.put("heartbeat.interval.ms", 500);
    config.put("isolation.level", "read_committed");
    config.put("enable.auto.commit", "false");
    config.put("auto.offset.reset", "earliest");
    config.put("max.poll.records", recordsMax);
    config.put("reconnect.backoff.max.ms", 200);
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }

  static void say(String line) {
    System.out.println(line);
  }
}
