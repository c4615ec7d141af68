// franz-go: its client (kgo) and its admin client (kadm).
package main

func main() {
	cases := []testCase{
		{"topic-lifecycle", topicLifecycle},
		{"topic-errors", topicErrors},
		{"create-partitions", createPartitions},
		{"describe-configs", describeConfigs},
		{"cluster", cluster},
		{"hundred-partitions", hundredPartitions},
		{"unknown-topic", unknownTopic},
		{"records", records},
		{"big-records", bigRecords},
		{"acks-0", acks0},
		{"acks-1", acks1},
		{"acks-all", acksAll},
		{"throughput", throughput},
		{"crash", crash},
		{"read-earliest", readEarliest},
		{"read-latest", readLatest},
		{"read-offset", readOffset},
		{"read-timestamp", readTimestamp},
		{"list-offsets", listOffsets},
		{"fetch-max-bytes", fetchMaxBytes},
		{"out-of-range", outOfRange},
		{"pause-seek", pauseSeek},
		{"group-range", groupRange},
		{"group-roundrobin", groupRoundRobin},
		{"group-cooperative", groupCooperative},
		{"static-member", staticMember},
		{"static-fence", staticFence},
		{"commit-resume", commitResume},
		{"groups", groups},
		{"interop-write", interopWrite},
		{"interop-read", interopRead},
	}
	for _, codec := range codecNames {
		cases = append(cases, testCase{"codec-" + codec, codecCase(codec)})
	}
	runCases(cases)
}
