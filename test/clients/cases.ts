/**
 * The names of all cases, and what each one holds the server to. A client's program has those that the client can do; a name that is
 * not here is refused. `interop-…` cases take the name of the client that wrote, after a colon.
 */
export const CASES: Readonly<Record<string, string>> = {
  'topic-lifecycle': 'a topic is created, listed, described, deleted, and empty when created again',
  'topic-errors':
    'what exists is not created, what is missing not deleted, and a bad name or count refused, by Kafka’s errors',
  'create-partitions': 'partitions are added and usable; taking some away is refused',
  'describe-configs': 'a topic’s own configs and the defaults are told',
  'alter-configs': 'a topic’s config is set and told, and goes back to the default',
  cluster: 'the cluster tells its id, controller and brokers',
  'hundred-partitions': 'each of a hundred partitions is written and read',
  'unknown-topic': 'reading a topic that is not there ends with an error',
  records: 'keys, values, headers, timestamps, nulls and empty ones come back as sent',
  'codec-none': 'uncompressed batches are read as written',
  'codec-gzip': 'gzip batches are read as written',
  'codec-snappy': 'snappy batches are read as written',
  'codec-lz4': 'lz4 batches are read as written',
  'codec-zstd': 'zstd batches are read as written',
  'big-records': 'records of 900 KB pass, one over max.message.bytes is refused',
  'acks-0': 'records that nobody waits for arrive in order',
  'acks-1': 'records with acks=1 have an offset each, in order',
  'acks-all': 'records with acks=all have an offset each, in order',
  throughput: 'fifty thousand records of an idempotent producer are there once, in order',
  crash: 'kill -9 while an idempotent producer writes: nothing lost, nothing twice, order kept',
  'read-earliest': 'reading begins with the first record',
  'read-latest': 'reading begins with the next record',
  'read-offset': 'reading begins at the offset asked for, within a batch too',
  'read-timestamp': 'reading begins with the first record of a time or later',
  'list-offsets': 'first, next and by-time offsets are told',
  'fetch-max-bytes': 'all is read with answers smaller than one batch',
  'out-of-range': 'an offset that is not there is reset as the client wishes',
  'pause-seek': 'a paused partition gives nothing, and goes on where it is told to',
  'group-range': 'members come and go with the range assignor; each record is given once',
  'group-roundrobin': 'members come and go with the round-robin assignor; each record is given once',
  'group-cooperative': 'members come and go with the cooperative-sticky assignor; each record is given once',
  'static-member': 'a static member that comes back has its partitions without a rebalance',
  'static-fence': 'a second member with the same instance id fences the first',
  'group-consumer':
    'members of the consumer protocol (KIP-848) come and go; each record is given once; the group is described',
  'group-consumer-range': 'members of the consumer protocol with the range assignor',
  'group-consumer-regex': 'a regular expression that the server evaluates follows the topics',
  'group-consumer-static':
    'a static member of the consumer protocol that comes back has its partitions; its double is refused',
  'group-migration':
    'members of the classic and of the consumer protocol share a group, which goes from one to the other and back',
  'commit-resume': 'a group goes on where it committed; metadata is kept',
  groups: 'groups are listed, described with members, their offsets set, and deleted',
  'connect-standalone': 'a Kafka Connect worker carries a file into a topic and back; a second goes on where it ended',
  'connect-distributed':
    'connectors are made over REST, their state kept in compacted topics; a worker with kill -9 is replaced by the other',
  'interop-write': 'writes, with each codec, what the other clients then read',
  'interop-read': 'reads what another client wrote, with each codec',
}
