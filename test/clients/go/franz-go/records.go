package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func connect(bootstrap string, options ...kgo.Opt) *kgo.Client {
	return get(kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.ClientID("clients-franz-go"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.FetchMaxWait(200 * time.Millisecond),
		kgo.MetadataMinAge(100 * time.Millisecond),
	}, options...)...))
}

// Values `from` … `to` - 1 as text, each in `partition`.
func numbered(topic string, from, to int, partition int32) []*kgo.Record {
	var made []*kgo.Record
	for _, text := range texts(from, to) {
		made = append(made, &kgo.Record{Topic: topic, Partition: partition, Value: []byte(text)})
	}
	return made
}

// Even numbers in partition 0, odd ones in 1.
func everyOther(topic string, from, to int) []*kgo.Record {
	made := numbered(topic, from, to, 0)
	for index, record := range made {
		record.Partition = int32((from + index) % 2)
	}
	return made
}

func texts(from, to int) []string {
	var made []string
	for index := from; index < to; index++ {
		made = append(made, strconv.Itoa(index))
	}
	return made
}

func values(got []*kgo.Record) []string {
	var found []string
	for _, record := range got {
		found = append(found, string(record.Value))
	}
	return found
}

func ofPartition(got []*kgo.Record, partition int32) []*kgo.Record {
	var found []*kgo.Record
	for _, record := range got {
		if record.Partition == partition {
			found = append(found, record)
		}
	}
	return found
}

func produce(bootstrap string, all []*kgo.Record, options ...kgo.Opt) {
	client := connect(bootstrap, options...)
	defer client.Close()
	must(client.ProduceSync(minute(), all...).FirstErr())
}

func reader(bootstrap, topic string, offsets map[int32]kgo.Offset, options ...kgo.Opt) *kgo.Client {
	return connect(bootstrap, append(options, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}))...)
}

func read(bootstrap, topic string, offsets map[int32]kgo.Offset, count int, options ...kgo.Opt) []*kgo.Record {
	client := reader(bootstrap, topic, offsets, options...)
	defer client.Close()
	return poll(client, count)
}

func poll(client *kgo.Client, count int) []*kgo.Record {
	var got []*kgo.Record
	ctx := minute()
	for len(got) < count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			fail("%d of %d records, then %v", len(got), count, err)
		}
		got = append(got, fetches.Records()...)
	}
	equal(len(got), count)
	return got
}

// What comes within a second.
func pollBriefly(client *kgo.Client) []*kgo.Record {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return client.PollFetches(ctx).Records()
}

var start = kgo.NewOffset().AtStart()

func fromStart(partitions int32) map[int32]kgo.Offset {
	offsets := map[int32]kgo.Offset{}
	for partition := int32(0); partition < partitions; partition++ {
		offsets[partition] = start
	}
	return offsets
}

func equalEveryOther(bootstrap, topic string, count int) {
	got := read(bootstrap, topic, fromStart(2), count)
	for partition := range 2 {
		var expected []string
		for index := partition; index < count; index += 2 {
			expected = append(expected, strconv.Itoa(index))
		}
		equal(values(ofPartition(got, int32(partition))), expected)
	}
	withAdmin(bootstrap, func(admin *kadm.Client) {
		ends := get(admin.ListEndOffsets(minute(), topic))[topic]
		equal([]int64{ends[0].Offset, ends[1].Offset}, []int64{int64((count + 1) / 2), int64(count / 2)})
	})
}

func hundredPartitions(bootstrap, _ string) {
	topic := createTopic(bootstrap, "hundred", 100)
	var all []*kgo.Record
	for partition := range 100 {
		all = append(all, numbered(topic, partition*2, partition*2+2, int32(partition))...)
	}
	produce(bootstrap, all)
	got := read(bootstrap, topic, fromStart(100), 200)
	for partition := range 100 {
		equal(values(ofPartition(got, int32(partition))), texts(partition*2, partition*2+2))
	}
}

func records(bootstrap, _ string) {
	topic := createTopic(bootstrap, "records", 1)
	at := time.UnixMilli(1_700_000_000_000)
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	sent := []*kgo.Record{
		{Key: []byte("key"), Value: []byte("value"), Headers: []kgo.RecordHeader{
			header("one", "first"), header("many", "a"), header("many", "b"), header("empty", ""), {Key: "null"},
		}},
		{Value: []byte("no key")},
		{Key: []byte("no value")},
		{Key: []byte{}, Value: []byte{}},
		{Key: []byte("ключ"), Value: []byte("値 🗻"), Headers: []kgo.RecordHeader{header("größe", "ß")}},
	}
	for index, record := range sent {
		record.Topic, record.Timestamp = topic, at.Add(time.Duration(index)*time.Millisecond)
	}
	form := func(record *kgo.Record) []any {
		return []any{record.Key, record.Value, record.Timestamp.UnixMilli(), fmt.Sprintf("%q", record.Headers)}
	}
	produce(bootstrap, sent)
	for index, record := range read(bootstrap, topic, fromStart(1), len(sent)) {
		equal(form(record), form(sent[index]))
		equal(record.Offset, int64(index))
	}
}

var codecNames = []string{"none", "gzip", "snappy", "lz4", "zstd"}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func roundTrip(bootstrap string, count int, options ...kgo.Opt) {
	topic := createTopic(bootstrap, "round", 1)
	sent := numbered(topic, 0, count, 0)
	produce(bootstrap, sent, options...)
	got := read(bootstrap, topic, fromStart(1), count)
	equal(values(got), texts(0, count))
	for index, record := range got {
		equal(record.Offset, int64(index))
	}
}

func codecCase(name string) func(string, string) {
	return func(bootstrap, _ string) {
		roundTrip(bootstrap, 1000, kgo.ProducerBatchCompression(codecs[name]))
	}
}

func bigRecords(bootstrap, _ string) {
	topic := createTopic(bootstrap, "big", 1)
	for index := range 5 {
		value := []byte(strings.Repeat(strconv.Itoa(index), 900_000))
		produce(bootstrap, []*kgo.Record{{Topic: topic, Value: value}})
	}
	for index, record := range read(bootstrap, topic, fromStart(1), 5) {
		equal(string(record.Value), strings.Repeat(strconv.Itoa(index), 900_000))
	}
	client := connect(bootstrap, kgo.ProducerBatchMaxBytes(10_000_000), kgo.ProducerBatchCompression(kgo.NoCompression()))
	defer client.Close()
	err := client.ProduceSync(minute(), &kgo.Record{Topic: topic, Value: make([]byte, 3_000_000)}).FirstErr()
	refused(err, kerr.MessageTooLarge)
}

func acks0(bootstrap, _ string) {
	acks(bootstrap, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
}

func acks1(bootstrap, _ string) {
	acks(bootstrap, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
}

func acksAll(bootstrap, _ string) {
	acks(bootstrap, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite())
}

func acks(bootstrap string, options ...kgo.Opt) {
	topic := createTopic(bootstrap, "acks", 1)
	client := connect(bootstrap, options...)
	defer client.Close()
	for _, record := range numbered(topic, 0, 20, 0) {
		must(client.ProduceSync(minute(), record).FirstErr())
	}
	got := read(bootstrap, topic, fromStart(1), 20)
	equal(values(got), texts(0, 20))
}

func throughput(bootstrap, _ string) {
	topic := createTopic(bootstrap, "throughput", 2)
	produce(bootstrap, everyOther(topic, 0, 50_000))
	equalEveryOther(bootstrap, topic, 50_000)
}

func crash(bootstrap, _ string) {
	topic := createTopic(bootstrap, "crash", 2)
	client := connect(bootstrap, kgo.MaxBufferedRecords(1_000))
	defer client.Close()
	sent := 0
	failed := make(chan error, 1)
	sendHundred := func() {
		for _, record := range everyOther(topic, sent, sent+100) {
			client.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
				if err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		}
		sent += 100
		time.Sleep(time.Millisecond)
	}
	for sent < 2_000 {
		sendHundred()
	}
	must(client.Flush(minute()))
	for back, waiting := restartServer(), true; waiting; {
		select {
		case <-back:
			waiting = false
		default:
			sendHundred()
		}
	}
	for end := sent + 2_000; sent < end; {
		sendHundred()
	}
	must(client.Flush(minute()))
	select {
	case err := <-failed:
		fail("%v", err)
	default:
	}
	equalEveryOther(bootstrap, topic, sent)
}

func readEarliest(bootstrap, _ string) {
	topic := createTopic(bootstrap, "earliest", 1)
	produce(bootstrap, numbered(topic, 0, 10, 0))
	equal(values(read(bootstrap, topic, fromStart(1), 10)), texts(0, 10))
}

func readLatest(bootstrap, _ string) {
	topic := createTopic(bootstrap, "latest", 1)
	produce(bootstrap, numbered(topic, 0, 10, 0))
	client := reader(bootstrap, topic, map[int32]kgo.Offset{0: kgo.NewOffset().AtEnd()})
	defer client.Close()
	equal(len(pollBriefly(client)), 0)
	produce(bootstrap, numbered(topic, 10, 15, 0))
	equal(values(poll(client, 5)), texts(10, 15))
}

func readOffset(bootstrap, _ string) {
	topic := createTopic(bootstrap, "offset", 1)
	produce(bootstrap, numbered(topic, 0, 50, 0))
	produce(bootstrap, numbered(topic, 50, 100, 0))
	equal(values(read(bootstrap, topic, map[int32]kgo.Offset{0: kgo.NewOffset().At(37)}, 63)), texts(37, 100))
}

func readTimestamp(bootstrap, _ string) {
	topic := createTopic(bootstrap, "timestamp", 1)
	at := func(index int) int64 { return 1_700_000_000_000 + 1000*int64(index) }
	sent := numbered(topic, 0, 20, 0)
	for index, record := range sent {
		record.Timestamp = time.UnixMilli(at(index))
	}
	produce(bootstrap, sent)
	withAdmin(bootstrap, func(admin *kadm.Client) {
		found := func(time int64) int64 {
			listed := get(admin.ListOffsetsAfterMilli(minute(), time, topic))
			return listed[topic][0].Offset
		}
		// Past the last record it tells the end.
		equal([]int64{found(at(7)), found(at(7) + 1), found(0), found(at(20))}, []int64{7, 8, 0, 20})
	})
	offset := kgo.NewOffset().AfterMilli(at(12))
	equal(values(read(bootstrap, topic, map[int32]kgo.Offset{0: offset}, 8)), texts(12, 20))
}

func fetchMaxBytes(bootstrap, _ string) {
	topic := createTopic(bootstrap, "bytes", 1)
	for from := 0; from < 1000; from += 100 {
		produce(bootstrap, numbered(topic, from, from+100, 0))
	}
	got := read(bootstrap, topic, fromStart(1), 1000, kgo.FetchMaxBytes(200), kgo.FetchMaxPartitionBytes(100))
	equal(values(got), texts(0, 1000))
}

func outOfRange(bootstrap, _ string) {
	topic := createTopic(bootstrap, "range", 1)
	produce(bootstrap, numbered(topic, 0, 10, 0))
	far := map[int32]kgo.Offset{0: kgo.NewOffset().At(1000)}
	reset := kgo.ConsumeResetOffset(start)
	equal(values(read(bootstrap, topic, far, 10, reset)), texts(0, 10))
	client := reader(bootstrap, topic, far, kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	defer client.Close()
	refused(client.PollFetches(minute()).Err(), kerr.OffsetOutOfRange)
}

func pauseSeek(bootstrap, _ string) {
	topic := createTopic(bootstrap, "pause", 2)
	both := func(from, to int) []*kgo.Record {
		return append(numbered(topic, from, to, 0), numbered(topic, from, to, 1)...)
	}
	client := reader(bootstrap, topic, fromStart(2))
	defer client.Close()
	produce(bootstrap, both(0, 5))
	poll(client, 10)
	client.PauseFetchPartitions(map[string][]int32{topic: {0}})
	produce(bootstrap, both(5, 10))
	equal(values(ofPartition(poll(client, 5), 1)), texts(5, 10))
	equal(len(pollBriefly(client)), 0)
	client.SetOffsets(map[string]map[int32]kgo.EpochOffset{topic: {0: {Epoch: -1, Offset: 2}}})
	client.ResumeFetchPartitions(map[string][]int32{topic: {0}})
	equal(values(ofPartition(poll(client, 8), 0)), texts(2, 10))
}

// The hundred records that every client writes and reads with each codec; see harness.ts.
func interopRecord(index int) (key, value []byte) {
	if index%10 != 0 {
		key = fmt.Appendf(nil, "key-%d", index)
	}
	if index%10 != 7 {
		value = fmt.Appendf(nil, "value-%d-%s", index, strings.Repeat("ä", index))
	}
	return key, value
}

func interopWrite(bootstrap, writer string) {
	for _, codec := range codecNames {
		topic := fmt.Sprintf("interop.%s.%s", writer, codec)
		withAdmin(bootstrap, func(admin *kadm.Client) { get(admin.CreateTopic(minute(), 1, 1, nil, topic)) })
		var all []*kgo.Record
		for index := range 100 {
			key, value := interopRecord(index)
			headers := []kgo.RecordHeader{{Key: "writer", Value: []byte(writer)}}
			all = append(all, &kgo.Record{Topic: topic, Key: key, Value: value, Headers: headers})
		}
		produce(bootstrap, all, kgo.ProducerBatchCompression(codecs[codec]))
	}
}

func interopRead(bootstrap, writer string) {
	for _, codec := range codecNames {
		for index, record := range read(bootstrap, fmt.Sprintf("interop.%s.%s", writer, codec), fromStart(1), 100) {
			key, value := interopRecord(index)
			equal([][]byte{record.Key, record.Value}, [][]byte{key, value})
			equal(fmt.Sprintf("%q", record.Headers), fmt.Sprintf("%q", []kgo.RecordHeader{{Key: "writer", Value: []byte(writer)}}))
		}
	}
}
