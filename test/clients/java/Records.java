import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writing and reading without groups. */
final class Records {
  private Records() {}

  static final String CLIENT_ID = "clients-java";
  static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");

  static KafkaProducer<byte[], byte[]> producer(String bootstrap, Map<String, Object> options) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", bootstrap);
    config.put("client.id", CLIENT_ID);
    config.put("max.request.size", 10_000_000);
    config.put("reconnect.backoff.max.ms", 500);
    config.putAll(options);
    return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static KafkaConsumer<byte[], byte[]> consumer(String bootstrap, Map<String, Object> options) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", bootstrap);
    config.put("client.id", CLIENT_ID);
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", false);
    config.put("fetch.max.wait.ms", 200);
    config.put("metadata.max.age.ms", 1_000);
    config.put("max.poll.records", 10_000);
    config.putAll(options);
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /** Values `from` … `to` - 1 as text, each in `partition`. */
  static List<ProducerRecord<byte[], byte[]>> numbered(String topic, int from, int to, int partition) {
    return IntStream.range(from, to).mapToObj(index -> record(topic, partition, index)).toList();
  }

  static ProducerRecord<byte[], byte[]> record(String topic, int partition, int index) {
    return new ProducerRecord<>(topic, partition, null, Integer.toString(index).getBytes(UTF_8));
  }

  /** Answers the offsets, in the order sent. */
  static List<Long> produce(
      String bootstrap, Collection<ProducerRecord<byte[], byte[]>> records, Map<String, Object> options) throws Exception {
    try (var producer = producer(bootstrap, options)) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (var record : records) sent.add(producer.send(record));
      List<Long> offsets = new ArrayList<>();
      for (var one : sent) offsets.add(Harness.get(one).offset());
      return offsets;
    }
  }

  static List<TopicPartition> partitions(String topic, int count) {
    return IntStream.range(0, count).mapToObj(partition -> new TopicPartition(topic, partition)).toList();
  }

  static List<ConsumerRecord<byte[], byte[]>> read(
      String bootstrap, String topic, int partitions, int count, Map<String, Object> options) {
    try (var consumer = consumer(bootstrap, options)) {
      consumer.assign(partitions(topic, partitions));
      consumer.seekToBeginning(consumer.assignment());
      return poll(consumer, count);
    }
  }

  static List<ConsumerRecord<byte[], byte[]>> poll(KafkaConsumer<byte[], byte[]> consumer, int count) {
    List<ConsumerRecord<byte[], byte[]>> got = new ArrayList<>();
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    while (got.size() < count) {
      if (System.nanoTime() > deadline) throw new Harness.Failure(got.size() + " records in a minute instead of " + count);
      consumer.poll(Duration.ofMillis(500)).forEach(got::add);
    }
    Harness.equal(got.size(), count);
    return got;
  }

  static String text(byte[] bytes) {
    return bytes == null ? null : new String(bytes, UTF_8);
  }

  static List<String> values(Collection<ConsumerRecord<byte[], byte[]>> records) {
    return records.stream().map(record -> text(record.value())).toList();
  }

  static List<String> values(Collection<ConsumerRecord<byte[], byte[]>> records, int partition) {
    return values(records.stream().filter(record -> record.partition() == partition).toList());
  }

  /** Even numbers in partition 0, odd ones in 1. */
  private static void equalEveryOther(String bootstrap, String topic, int count) throws Exception {
    var got = read(bootstrap, topic, 2, count, Map.of());
    for (int partition : new int[] {0, 1}) {
      var expected = IntStream.range(0, count).filter(index -> index % 2 == partition).mapToObj(Integer::toString).toList();
      Harness.equal(values(got, partition), expected);
    }
    try (Admin admin = Administration.connect(bootstrap)) {
      var ends = Administration.offsets(admin, topic, 2, OffsetSpec.latest());
      Harness.equal(ends, List.of((count + 1) / 2L, count / 2L));
    }
  }

  static void hundredPartitions(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "hundred", 100);
    List<ProducerRecord<byte[], byte[]>> all = new ArrayList<>();
    for (int partition = 0; partition < 100; partition++) all.addAll(numbered(topic, partition * 2, partition * 2 + 2, partition));
    produce(bootstrap, all, Map.of());
    var got = read(bootstrap, topic, 100, 200, Map.of());
    for (int partition = 0; partition < 100; partition++)
      Harness.equal(values(got, partition), Harness.texts(partition * 2, partition * 2 + 2));
  }

  static void records(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "records", 1);
    long at = 1_700_000_000_000L;
    var full = new ProducerRecord<>(topic, 0, at, "key".getBytes(UTF_8), "value".getBytes(UTF_8));
    full.headers().add("one", "first".getBytes(UTF_8)).add("many", "a".getBytes(UTF_8)).add("many", "b".getBytes(UTF_8));
    full.headers().add("empty", new byte[0]).add(new RecordHeader("null", null));
    var wide = new ProducerRecord<>(topic, 0, at + 4, "ключ".getBytes(UTF_8), "値 🗻".getBytes(UTF_8));
    wide.headers().add("größe", "ß".getBytes(UTF_8));
    List<ProducerRecord<byte[], byte[]>> sent =
        List.of(
            full,
            new ProducerRecord<>(topic, 0, at + 1, null, "no key".getBytes(UTF_8)),
            new ProducerRecord<>(topic, 0, at + 2, "no value".getBytes(UTF_8), (byte[]) null),
            new ProducerRecord<>(topic, 0, at + 3, new byte[0], new byte[0]),
            wide);
    produce(bootstrap, sent, Map.of());
    var got = read(bootstrap, topic, 1, sent.size(), Map.of());
    for (int index = 0; index < sent.size(); index++) {
      var one = sent.get(index);
      var other = got.get(index);
      Harness.equal(other.offset(), (long) index);
      Harness.equal(other.timestamp(), one.timestamp());
      Harness.equal(text(other.key()), text(one.key()));
      Harness.equal(text(other.value()), text(one.value()));
      Harness.equal(texts(other.headers()), texts(one.headers()));
    }
  }

  private static List<List<String>> texts(Headers headers) {
    List<List<String>> all = new ArrayList<>();
    headers.forEach(header -> all.add(Arrays.asList(header.key(), text(header.value()))));
    return all;
  }

  static void codec(String bootstrap, String codec) throws Exception {
    roundTrip(bootstrap, 1000, Map.of("compression.type", codec, "linger.ms", 20));
  }

  static void acks(String bootstrap, String acks) throws Exception {
    List<Long> offsets = roundTrip(bootstrap, 20, Map.of("acks", acks, "enable.idempotence", false));
    if (!acks.equals("0")) Harness.equal(offsets, IntStream.range(0, 20).mapToObj(Long::valueOf).toList());
  }

  private static List<Long> roundTrip(String bootstrap, int count, Map<String, Object> options) throws Exception {
    String topic = Administration.createTopic(bootstrap, "round", 1);
    List<Long> offsets = produce(bootstrap, numbered(topic, 0, count, 0), options);
    var got = read(bootstrap, topic, 1, count, Map.of());
    Harness.equal(values(got), Harness.texts(0, count));
    for (int index = 0; index < count; index++) Harness.equal(got.get(index).offset(), (long) index);
    return offsets;
  }

  static void bigRecords(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "big", 1);
    List<String> big = IntStream.range(0, 5).mapToObj(index -> Integer.toString(index).repeat(900_000)).toList();
    for (String value : big) produce(bootstrap, List.of(new ProducerRecord<>(topic, 0, null, value.getBytes(UTF_8))), Map.of());
    Harness.equal(values(read(bootstrap, topic, 1, 5, Map.of())), big);
    var tooBig = new ProducerRecord<byte[], byte[]>(topic, 0, null, new byte[3_000_000]);
    Harness.refused(RecordTooLargeException.class, () -> produce(bootstrap, List.of(tooBig), Map.of()));
  }

  static void throughput(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "throughput", 2);
    produce(bootstrap, IntStream.range(0, 50_000).mapToObj(index -> record(topic, index % 2, index)).toList(), Map.of());
    equalEveryOther(bootstrap, topic, 50_000);
  }

  static void crash(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "crash", 2);
    int sent = 0;
    List<Future<RecordMetadata>> all = new ArrayList<>();
    try (var producer = producer(bootstrap, Map.of())) {
      while (sent < 2_000) all.add(producer.send(record(topic, sent % 2, sent++)));
      producer.flush();
      CountDownLatch back = Harness.restartServer();
      while (back.getCount() > 0) {
        for (int end = sent + 100; sent < end; ) all.add(producer.send(record(topic, sent % 2, sent++)));
        Thread.sleep(1);
      }
      for (int end = sent + 2_000; sent < end; ) all.add(producer.send(record(topic, sent % 2, sent++)));
      for (var one : all) Harness.get(one);
    }
    equalEveryOther(bootstrap, topic, sent);
  }

  static void readEarliest(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "earliest", 1);
    produce(bootstrap, numbered(topic, 0, 10, 0), Map.of());
    Harness.equal(values(read(bootstrap, topic, 1, 10, Map.of())), Harness.texts(0, 10));
  }

  static void readLatest(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "latest", 1);
    produce(bootstrap, numbered(topic, 0, 10, 0), Map.of());
    try (var consumer = consumer(bootstrap, Map.of())) {
      consumer.assign(partitions(topic, 1));
      consumer.seekToEnd(consumer.assignment());
      Harness.equal(consumer.position(new TopicPartition(topic, 0)), 10L);
      produce(bootstrap, numbered(topic, 10, 15, 0), Map.of());
      Harness.equal(values(poll(consumer, 5)), Harness.texts(10, 15));
    }
  }

  static void readOffset(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "offset", 1);
    for (int from : new int[] {0, 50}) produce(bootstrap, numbered(topic, from, from + 50, 0), Map.of("linger.ms", 20));
    try (var consumer = consumer(bootstrap, Map.of())) {
      consumer.assign(partitions(topic, 1));
      consumer.seek(new TopicPartition(topic, 0), 37);
      Harness.equal(values(poll(consumer, 63)), Harness.texts(37, 100));
    }
  }

  static void readTimestamp(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "timestamp", 1);
    TopicPartition place = new TopicPartition(topic, 0);
    long at = 1_700_000_000_000L;
    List<ProducerRecord<byte[], byte[]>> sent =
        IntStream.range(0, 20)
            .mapToObj(index -> new ProducerRecord<byte[], byte[]>(topic, 0, at + 1000 * index, null, Integer.toString(index).getBytes(UTF_8)))
            .toList();
    produce(bootstrap, sent, Map.of("linger.ms", 20));
    try (var consumer = consumer(bootstrap, Map.of())) {
      consumer.assign(List.of(place));
      OffsetAndTimestamp exact = consumer.offsetsForTimes(Map.of(place, at + 7000)).get(place);
      Harness.equal(List.of(exact.offset(), exact.timestamp()), List.of(7L, at + 7000));
      OffsetAndTimestamp next = consumer.offsetsForTimes(Map.of(place, at + 7001)).get(place);
      Harness.equal(List.of(next.offset(), next.timestamp()), List.of(8L, at + 8000));
      Harness.equal(consumer.offsetsForTimes(Map.of(place, at + 20_000)).get(place), null);
      consumer.seek(place, consumer.offsetsForTimes(Map.of(place, at + 12_000)).get(place).offset());
      Harness.equal(values(poll(consumer, 8)), Harness.texts(12, 20));
    }
    try (Admin admin = Administration.connect(bootstrap)) {
      Harness.equal(Administration.offsets(admin, topic, 1, OffsetSpec.maxTimestamp()), List.of(19L));
    }
  }

  static void fetchMaxBytes(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "bytes", 1);
    for (int from = 0; from < 1000; from += 100)
      produce(bootstrap, numbered(topic, from, from + 100, 0), Map.of("linger.ms", 20));
    var got = read(bootstrap, topic, 1, 1000, Map.of("fetch.max.bytes", 200, "max.partition.fetch.bytes", 100));
    Harness.equal(values(got), Harness.texts(0, 1000));
  }

  static void outOfRange(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "range", 1);
    produce(bootstrap, numbered(topic, 0, 10, 0), Map.of());
    for (String reset : List.of("earliest", "latest", "none"))
      try (var consumer = consumer(bootstrap, Map.of("auto.offset.reset", reset))) {
        consumer.assign(partitions(topic, 1));
        consumer.seek(new TopicPartition(topic, 0), 1000);
        switch (reset) {
          case "earliest" -> Harness.equal(values(poll(consumer, 10)), Harness.texts(0, 10));
          case "none" -> Harness.refused(OffsetOutOfRangeException.class, () -> poll(consumer, 1));
          default -> {
            Harness.equal(consumer.poll(Duration.ofSeconds(2)).count(), 0);
            produce(bootstrap, numbered(topic, 10, 12, 0), Map.of());
            Harness.equal(values(poll(consumer, 2)), Harness.texts(10, 12));
          }
        }
      }
  }

  static void pauseSeek(String bootstrap, String none) throws Exception {
    String topic = Administration.createTopic(bootstrap, "pause", 2);
    TopicPartition first = new TopicPartition(topic, 0);
    try (var consumer = consumer(bootstrap, Map.of())) {
      consumer.assign(partitions(topic, 2));
      produce(bootstrap, numbered(topic, 0, 5, 0), Map.of());
      produce(bootstrap, numbered(topic, 0, 5, 1), Map.of());
      poll(consumer, 10);
      consumer.pause(List.of(first));
      produce(bootstrap, numbered(topic, 5, 10, 0), Map.of());
      produce(bootstrap, numbered(topic, 5, 10, 1), Map.of());
      Harness.equal(values(poll(consumer, 5), 1), Harness.texts(5, 10));
      Harness.equal(consumer.poll(Duration.ofMillis(500)).count(), 0);
      consumer.seek(first, 2);
      consumer.resume(List.of(first));
      Harness.equal(values(poll(consumer, 8), 0), Harness.texts(2, 10));
    }
  }

  /** The hundred records that every client writes and reads with each codec; see harness.ts. */
  private static String interopKey(int index) {
    return index % 10 == 0 ? null : "key-" + index;
  }

  private static String interopValue(int index) {
    return index % 10 == 7 ? null : "value-" + index + "-" + "ä".repeat(index);
  }

  private static byte[] bytes(String text) {
    return text == null ? null : text.getBytes(UTF_8);
  }

  static void interopWrite(String bootstrap, String writer) throws Exception {
    for (String codec : CODECS) {
      String topic = "interop." + writer + "." + codec;
      try (Admin admin = Administration.connect(bootstrap)) {
        Administration.create(admin, topic, 1);
      }
      List<ProducerRecord<byte[], byte[]>> all = new ArrayList<>();
      for (int index = 0; index < 100; index++) {
        var record = new ProducerRecord<>(topic, 0, bytes(interopKey(index)), bytes(interopValue(index)));
        record.headers().add("writer", bytes(writer));
        all.add(record);
      }
      produce(bootstrap, all, Map.of("compression.type", codec, "linger.ms", 20));
    }
  }

  static void interopRead(String bootstrap, String writer) {
    for (String codec : CODECS) {
      var got = read(bootstrap, "interop." + writer + "." + codec, 1, 100, Map.of());
      for (int index = 0; index < 100; index++) {
        var record = got.get(index);
        Harness.equal(text(record.key()), interopKey(index));
        Harness.equal(text(record.value()), interopValue(index));
        Harness.equal(texts(record.headers()), List.of(List.of("writer", writer)));
      }
    }
  }
}
