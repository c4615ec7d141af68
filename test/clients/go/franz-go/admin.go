package main

import (
	"errors"
	"fmt"
	"sort"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func refused(err, expected error) {
	if !errors.Is(err, expected) {
		fail("%v instead of %v", err, expected)
	}
}

func withAdmin(bootstrap string, use func(admin *kadm.Client)) {
	client := connect(bootstrap)
	defer client.Close()
	use(kadm.NewClient(client))
}

func createTopic(bootstrap, name string, partitions int32) string {
	topic := unique(name)
	withAdmin(bootstrap, func(admin *kadm.Client) {
		get(admin.CreateTopic(minute(), partitions, 1, nil, topic))
	})
	return topic
}

func topicLifecycle(bootstrap, _ string) {
	topic := unique("lifecycle")
	withAdmin(bootstrap, func(admin *kadm.Client) {
		created := get(admin.CreateTopic(minute(), 3, 1, nil, topic))
		listed := get(admin.ListTopics(minute()))
		equal(listed.Has(topic), true)
		equal(len(listed[topic].Partitions), 3)
		equal(listed[topic].ID, created.ID)
		produce(bootstrap, numbered(topic, 0, 10, 0))
		get(admin.DeleteTopic(minute(), topic))
		until("the topic to go", func() bool { return !get(admin.ListTopics(minute())).Has(topic) }, func() any { return topic })
		again := get(admin.CreateTopic(minute(), 2, 1, nil, topic))
		equal(again.ID != created.ID, true)
		produce(bootstrap, numbered(topic, 20, 23, 0))
		got := read(bootstrap, topic, map[int32]kgo.Offset{0: kgo.NewOffset().AtStart()}, 3)
		equal(values(got), texts(20, 23))
		equal(got[0].Offset, int64(0))
	})
}

func topicErrors(bootstrap, _ string) {
	topic := createTopic(bootstrap, "errors", 1)
	withAdmin(bootstrap, func(admin *kadm.Client) {
		create := func(partitions int32, name string) error {
			_, err := admin.CreateTopic(minute(), partitions, 1, nil, name)
			return err
		}
		refused(create(1, topic), kerr.TopicAlreadyExists)
		refused(create(1, "a b"), kerr.InvalidTopicException)
		refused(create(0, unique("none")), kerr.InvalidPartitions)
		_, err := admin.DeleteTopic(minute(), "no-such-topic")
		refused(err, kerr.UnknownTopicOrPartition)
	})
}

func createPartitions(bootstrap, _ string) {
	topic := createTopic(bootstrap, "grow", 1)
	withAdmin(bootstrap, func(admin *kadm.Client) {
		grown := get(admin.UpdatePartitions(minute(), 4, topic))
		must(grown[topic].Err)
		partitions := func() int { return len(get(admin.ListTopics(minute(), topic))[topic].Partitions) }
		until("four partitions", func() bool { return partitions() == 4 }, func() any { return partitions() })
		produce(bootstrap, numbered(topic, 0, 5, 3))
		equal(values(read(bootstrap, topic, map[int32]kgo.Offset{3: kgo.NewOffset().AtStart()}, 5)), texts(0, 5))
		refused(get(admin.UpdatePartitions(minute(), 2, topic))[topic].Err, kerr.InvalidPartitions)
	})
}

func describeConfigs(bootstrap, _ string) {
	topic := unique("configs")
	withAdmin(bootstrap, func(admin *kadm.Client) {
		hour := "3600000"
		get(admin.CreateTopic(minute(), 1, 1, map[string]*string{"retention.ms": &hour}, topic))
		described := get(get(admin.DescribeTopicConfigs(minute(), topic)).On(topic, nil))
		must(described.Err)
		configs := map[string]string{}
		for _, config := range described.Configs {
			configs[config.Key] = config.MaybeValue()
		}
		equal(configs["retention.ms"], hour)
		equal(configs["cleanup.policy"], "delete")
		equal(get(strconv.Atoi(configs["max.message.bytes"])) >= 1_000_000, true)
	})
}

func cluster(bootstrap, _ string) {
	withAdmin(bootstrap, func(admin *kadm.Client) {
		metadata := get(admin.BrokerMetadata(minute()))
		equal(metadata.Cluster != "", true)
		found, controls := false, false
		for _, broker := range metadata.Brokers {
			found = found || fmt.Sprintf("%s:%d", broker.Host, broker.Port) == bootstrap
			controls = controls || broker.NodeID == metadata.Controller
		}
		equal([]bool{found, controls}, []bool{true, true})
	})
}

func unknownTopic(bootstrap, _ string) {
	topic := unique("no-such-topic")
	client := connect(bootstrap, kgo.KeepRetryableFetchErrors(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	defer client.Close()
	refused(client.PollFetches(minute()).Err(), kerr.UnknownTopicOrPartition)
	withAdmin(bootstrap, func(admin *kadm.Client) {
		listed := get(admin.ListEndOffsets(minute(), topic))
		refused(listed.Error(), kerr.UnknownTopicOrPartition)
	})
}

func listOffsets(bootstrap, _ string) {
	topic := createTopic(bootstrap, "list", 3)
	produce(bootstrap, append(numbered(topic, 0, 10, 0), numbered(topic, 0, 4, 2)...))
	withAdmin(bootstrap, func(admin *kadm.Client) {
		starts := get(admin.ListStartOffsets(minute(), topic))[topic]
		ends := get(admin.ListEndOffsets(minute(), topic))[topic]
		equal([]int64{starts[0].Offset, starts[1].Offset, starts[2].Offset}, []int64{0, 0, 0})
		equal([]int64{ends[0].Offset, ends[1].Offset, ends[2].Offset}, []int64{10, 0, 4})
	})
}

func groups(bootstrap, _ string) {
	topic := createTopic(bootstrap, "groups", 2)
	group := unique("groups")
	one := join(bootstrap, group, topic)
	until("a member", func() bool { return len(one.partitions()) == 2 }, func() any { return one.partitions() })
	withAdmin(bootstrap, func(admin *kadm.Client) {
		listed := get(admin.ListGroups(minute()))
		equal(listed[group].ProtocolType, "consumer")
		described := get(admin.DescribeGroups(minute(), group))[group]
		equal(described.State, "Stable")
		equal(len(described.Members), 1)
		equal(described.Members[0].ClientID, "clients-franz-go")
		assigned, _ := described.Members[0].Assigned.AsConsumer()
		partitions := assigned.Topics[0].Partitions
		sort.Slice(partitions, func(i, j int) bool { return partitions[i] < partitions[j] })
		equal(partitions, []int32{0, 1})
		refused(get(admin.DeleteGroups(minute(), group))[group].Err, kerr.NonEmptyGroup)
		one.leave()
		set := kadm.Offsets{}
		set.AddOffset(topic, 1, 3, -1)
		must(get(admin.CommitOffsets(minute(), group, set)).Error())
		equal(get(admin.FetchOffsets(minute(), group))[topic][1].At, int64(3))
		removed := get(admin.DeleteOffsets(minute(), group, kadm.TopicsSet{topic: {1: {}}}))
		must(removed.Error())
		equal(len(get(admin.FetchOffsets(minute(), group))[topic]), 0)
		deleted := get(admin.DeleteGroups(minute(), group))[group].Err
		// Without members and offsets it may be gone already.
		if deleted != nil {
			refused(deleted, kerr.GroupIDNotFound)
		}
		_, there := get(admin.ListGroups(minute()))[group]
		equal(there, false)
	})
}
