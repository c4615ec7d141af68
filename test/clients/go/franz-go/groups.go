package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A member of a group: commits what it was given after each poll.
type member struct {
	client      *kgo.Client
	mutex       sync.Mutex
	owned       map[int32]bool
	got         []string
	failure     error
	assignments int
	ended       chan struct{}
	end         context.CancelFunc
}

func join(bootstrap, group, topic string, options ...kgo.Opt) *member {
	one := &member{owned: map[int32]bool{}, ended: make(chan struct{})}
	own := func(owned bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) {
			one.mutex.Lock()
			defer one.mutex.Unlock()
			one.assignments++
			for _, partition := range changed[topic] {
				if owned {
					one.owned[partition] = true
				} else {
					delete(one.owned, partition)
				}
			}
		}
	}
	one.client = connect(bootstrap, append([]kgo.Opt{
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(start),
		kgo.HeartbeatInterval(300 * time.Millisecond),
		kgo.SessionTimeout(10 * time.Second),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(own(true)),
		kgo.OnPartitionsRevoked(own(false)),
		kgo.OnPartitionsLost(own(false)),
	}, options...)...)
	ctx, cancel := context.WithCancel(context.Background())
	one.end = cancel
	go one.run(ctx)
	return one
}

func (one *member) run(ctx context.Context) {
	defer close(one.ended)
	for ctx.Err() == nil {
		fetches := one.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil && ctx.Err() == nil {
			one.fail(err)
			one.client.AllowRebalance()
			return
		}
		if got := fetches.Records(); len(got) > 0 {
			one.mutex.Lock()
			one.got = append(one.got, values(got)...)
			one.mutex.Unlock()
			if err := one.client.CommitRecords(context.Background(), got...); err != nil {
				one.fail(err)
			}
		}
		one.client.AllowRebalance()
	}
}

func (one *member) fail(err error) {
	one.mutex.Lock()
	defer one.mutex.Unlock()
	one.failure = err
}

func (one *member) partitions() []int32 {
	one.mutex.Lock()
	defer one.mutex.Unlock()
	var owned []int32
	for partition := range one.owned {
		owned = append(owned, partition)
	}
	slices.Sort(owned)
	return owned
}

func (one *member) records() []string {
	one.mutex.Lock()
	defer one.mutex.Unlock()
	return slices.Clone(one.got)
}

func (one *member) broke() error {
	one.mutex.Lock()
	defer one.mutex.Unlock()
	return one.failure
}

// Static members stay in the group.
func (one *member) leave() {
	one.end()
	<-one.ended
	one.client.CloseAllowingRebalance()
	must(one.broke())
}

func groupRange(bootstrap, _ string)       { changeMembers(bootstrap, kgo.RangeBalancer()) }
func groupRoundRobin(bootstrap, _ string)  { changeMembers(bootstrap, kgo.RoundRobinBalancer()) }
func groupCooperative(bootstrap, _ string) { changeMembers(bootstrap, kgo.CooperativeStickyBalancer()) }

func changeMembers(bootstrap string, balancer kgo.GroupBalancer) {
	topic := createTopic(bootstrap, "group", 6)
	group := unique("group")
	spread := func(from, to int) {
		all := numbered(topic, from, to, 0)
		for index, record := range all {
			record.Partition = int32((from + index) % 6)
		}
		produce(bootstrap, all)
	}
	all := []int32{0, 1, 2, 3, 4, 5}
	first := join(bootstrap, group, topic, kgo.Balancers(balancer))
	ownsAll := func() bool { return slices.Equal(first.partitions(), all) }
	until("all for the first", ownsAll, func() any { return first.partitions() })
	second := join(bootstrap, group, topic, kgo.Balancers(balancer))
	owned := func() any {
		return []any{first.partitions(), second.partitions(), first.broke(), second.broke(), len(first.records()), len(second.records())}
	}
	until("half each", func() bool { return len(first.partitions()) == 3 && len(second.partitions()) == 3 }, owned)
	equal(sorted(append(first.partitions(), second.partitions()...)), all)
	spread(0, 600)
	until("records of both", func() bool { return len(first.records())+len(second.records()) >= 600 }, owned)
	equal(sorted(append(first.records(), second.records()...)), sorted(texts(0, 600)))
	equal(len(first.records()), 300)
	second.leave()
	until("all for the first again", ownsAll, owned)
	spread(600, 900)
	until("records of the rest", func() bool { return len(first.records()) >= 600 }, owned)
	equal(sorted(first.records()[300:]), sorted(texts(600, 900)))
	first.leave()
}

func sorted[T int32 | string](list []T) []T {
	slices.Sort(list)
	return list
}

func staticMember(bootstrap, _ string) {
	topic := createTopic(bootstrap, "static", 4)
	group := unique("static")
	one := join(bootstrap, group, topic, kgo.InstanceID("one"))
	two := join(bootstrap, group, topic, kgo.InstanceID("two"))
	owned := func() any { return []any{one.partitions(), two.partitions(), one.broke(), two.broke()} }
	until("half each", func() bool { return len(one.partitions()) == 2 && len(two.partitions()) == 2 }, owned)
	mine, assignments := one.partitions(), two.assignments
	one.leave()
	one = join(bootstrap, group, topic, kgo.InstanceID("one"))
	until("the same again", func() bool { return slices.Equal(one.partitions(), mine) }, owned)
	equal(two.assignments, assignments)
	one.leave()
	two.leave()
}

func staticFence(bootstrap, _ string) {
	topic := createTopic(bootstrap, "fence", 2)
	group := unique("fence")
	first := join(bootstrap, group, topic, kgo.InstanceID("one"))
	until("all for the first", func() bool { return len(first.partitions()) == 2 }, func() any { return first.partitions() })
	double := join(bootstrap, group, topic, kgo.InstanceID("one"))
	until("the first to be fenced", func() bool { return first.broke() != nil }, func() any { return first.partitions() })
	equal(errors.Is(first.broke(), kerr.FencedInstanceID), true)
	until("all for its double", func() bool { return len(double.partitions()) == 2 }, func() any { return double.partitions() })
	double.leave()
}

func commitResume(bootstrap, _ string) {
	topic := createTopic(bootstrap, "commit", 1)
	group := unique("commit")
	produce(bootstrap, numbered(topic, 0, 10, 0))
	resume := func(count int) []string {
		client := connect(bootstrap,
			kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(start), kgo.DisableAutoCommit())
		defer client.Close()
		return values(poll(client, count))
	}
	equal(resume(10), texts(0, 10))
	withAdmin(bootstrap, func(admin *kadm.Client) {
		offsets := kadm.Offsets{}
		offsets.Add(kadm.Offset{Topic: topic, Partition: 0, At: 4, LeaderEpoch: -1, Metadata: "a note"})
		must(get(admin.CommitOffsets(minute(), group, offsets)).Error())
		equal(resume(6), texts(4, 10))
		kept := get(admin.FetchOffsets(minute(), group))[topic][0]
		equal([]any{kept.At, kept.Metadata}, []any{int64(4), "a note"})
	})
}
