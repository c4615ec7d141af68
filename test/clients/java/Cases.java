import java.util.LinkedHashMap;
import java.util.Map;

/** The Java clients: producer, consumer, admin. */
final class Cases {
  private Cases() {}

  public static void main(String[] args) {
    Map<String, Harness.Case> cases = new LinkedHashMap<>();
    cases.put("topic-lifecycle", Administration::topicLifecycle);
    cases.put("topic-errors", Administration::topicErrors);
    cases.put("create-partitions", Administration::createPartitions);
    cases.put("describe-configs", Administration::describeConfigs);
    cases.put("cluster", Administration::cluster);
    cases.put("hundred-partitions", Records::hundredPartitions);
    cases.put("unknown-topic", Administration::unknownTopic);
    cases.put("records", Records::records);
    for (String codec : Records.CODECS) cases.put("codec-" + codec, (bootstrap, none) -> Records.codec(bootstrap, codec));
    cases.put("big-records", Records::bigRecords);
    for (String acks : new String[] {"0", "1", "all"})
      cases.put("acks-" + acks, (bootstrap, none) -> Records.acks(bootstrap, acks));
    cases.put("throughput", Records::throughput);
    cases.put("crash", Records::crash);
    cases.put("read-earliest", Records::readEarliest);
    cases.put("read-latest", Records::readLatest);
    cases.put("read-offset", Records::readOffset);
    cases.put("read-timestamp", Records::readTimestamp);
    cases.put("list-offsets", Administration::listOffsets);
    cases.put("fetch-max-bytes", Records::fetchMaxBytes);
    cases.put("out-of-range", Records::outOfRange);
    cases.put("pause-seek", Records::pauseSeek);
    cases.put("group-range", Groups::range);
    cases.put("group-roundrobin", Groups::roundRobin);
    cases.put("group-cooperative", Groups::cooperative);
    cases.put("static-member", Groups::staticMember);
    cases.put("static-fence", Groups::staticFence);
    cases.put("commit-resume", Groups::commitResume);
    cases.put("groups", Groups::groups);
    cases.put("share-implicit", Shares::implicit);
    cases.put("share-explicit", Shares::explicit);
    cases.put("share-several", Shares::several);
    cases.put("share-lost", Shares::lost);
    cases.put("share-renew", Shares::renew);
    cases.put("share-crash", Shares::crash);
    cases.put("share-admin", Shares::administration);
    cases.put("group-consumer", ConsumerProtocol::members);
    cases.put("group-consumer-range", ConsumerProtocol::range);
    cases.put("group-consumer-regex", ConsumerProtocol::regex);
    cases.put("group-consumer-static", ConsumerProtocol::staticMember);
    cases.put("group-migration", ConsumerProtocol::migration);
    cases.put("interop-write", Records::interopWrite);
    cases.put("interop-read", Records::interopRead);
    Harness.runCases(cases, args);
  }
}
