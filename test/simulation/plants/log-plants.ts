import type { Plant } from './plant.ts'

const committer = 'log/append/committer.ts'
const shard = 'log/head/shard.ts'

export const logPlants: readonly Plant[] = [
  {
    name: 'memory used again while a reader has it',
    edits: [{ file: 'log/read/batch-cache.ts', find: 'if (loans) loans.add(memory)', replace: 'if (loans) return' }],
  },
  {
    name: 'memory handed to who waits only after the cache lets go of it',
    edits: [
      {
        file: 'log/read/batch-cache.ts',
        find: 'for (const loans of waiting) hand(cached, loans)\n      this.#keep(key, cached, bytes.length)',
        replace: 'this.#keep(key, cached, bytes.length)',
      },
    ],
  },
  {
    name: 'commit before the put',
    edits: [
      {
        file: 'log/segment/segment-store.ts',
        find: "await (medium === 'item' ? this.#putItem(id, parts) : this.#putObject(id, parts))",
        replace: "(medium === 'item' ? this.#putItem(id, parts) : this.#putObject(id, parts)).catch(() => {})",
      },
    ],
  },
  {
    name: 'retry a lost commit answer without looking',
    edits: [{ file: committer, find: 'if (!seen) continue', replace: 'if (seen || !seen) continue' }],
  },
  {
    name: 'an unknown outcome taken for success',
    edits: [
      {
        file: committer,
        find: 'await this.#parts.items.write(this.#operations(base, state, chunks, carried))',
        replace: `await this.#parts.items.write(this.#operations(base, state, chunks, carried)).catch((error) => {
          if (error.effect === 'none') throw error
          return { written: true } as const
        })`,
      },
    ],
  },
  {
    name: 'dedupe state kept apart from the offset write',
    edits: [
      {
        file: shard,
        find: 'this.#fold?.apply(commit)\n      this.#see(commit)',
        replace: 'if (this.#awaited.has(commit.segment.id)) this.#fold?.apply(commit)\n      this.#see(commit)',
      },
    ],
  },
  {
    name: 'a stale head used after a conflict',
    edits: [
      {
        file: shard,
        find: 'return this.#adopt({ head: decodeHead(item.value), version: item.version }, [])',
        replace:
          'this.#state = { head: this.#state?.head ?? decodeHead(item.value), version: item.version }\n      return',
      },
    ],
  },
  {
    name: 'an older head taken for the newer',
    edits: [
      {
        file: shard,
        find: 'if (!known || state.head.edition <= known.head.edition) return',
        replace: 'if (!known) return',
      },
    ],
  },
  {
    name: 'chunks written apart from the head',
    edits: [
      {
        file: committer,
        find: 'await this.#parts.items.write(this.#operations(base, state, chunks, carried))',
        replace: `await this.#parts.items.write(this.#operations(base, state, [], carried))
    if (outcome.written) for (const one of this.#operations(base, state, chunks, []).slice(1)) await this.#parts.items.write([one])`,
      },
    ],
  },
  {
    name: 'commits in new chunks left out of the fold',
    edits: [
      {
        file: shard,
        find: 'known.head.commits - first)',
        replace: 'known.head.commits - first, chunks.flatMap(chunk => chunk.commits).length)',
      },
    ],
  },
  {
    name: 'out of range and empty answered from a cached head',
    edits: [
      {
        file: 'log/read/read-partition.ts',
        find: 'if (!partition || isStale || offset >= endFor(partition, request) || offset < partition.start) {',
        replace: 'if (!partition) {',
      },
    ],
  },
  {
    name: 'the end told from a cached head',
    edits: [{ file: 'log/read/find-offset.ts', find: 'await view.shard.refresh()', replace: '' }],
  },
  {
    name: 'refusals from a cached head',
    edits: [{ file: committer, find: 'commit.arrival < this.#confirmed ||', replace: 'commit.arrival >= 0 ||' }],
  },
  {
    name: 'a later segment overtakes one that is still being put',
    edits: [{ file: committer, find: 'if (!isStored(commit)) break', replace: 'if (!isStored(commit)) continue' }],
  },
  {
    name: 'duplicates given new offsets',
    edits: [
      {
        file: 'log/append/commit-plan.ts',
        find: "if (decision.kind === 'duplicate') return decision",
        replace: "if (decision.kind === 'duplicate') return { kind: 'appended', baseOffset }",
      },
    ],
  },
  {
    name: 'a timed-out batch answered as refused',
    edits: [
      {
        file: 'log/errors.ts',
        find: "new LogError('REQUEST_TIMED_OUT', 'no answer",
        replace: "new LogError('OVERLOADED', 'no answer",
      },
    ],
  },
  {
    name: 'acknowledged before the write',
    edits: [
      {
        file: committer,
        find: 'const outcome = await this.#parts.items.write(',
        replace: 'this.#settlePlanned(covered, plan)\n    const outcome = await this.#parts.items.write(',
      },
    ],
  },
  {
    name: 'producer ids from a counter that nobody guards',
    edits: [{ file: 'log/producers/producer-ids.ts', find: 'if (!outcome.written) continue', replace: '' }],
  },
  {
    name: 'a topic name taken twice',
    edits: [
      {
        file: 'log/topics/stored-topics.ts',
        find: "if (name?.state === 'live' || name?.state === 'forking') throw alreadyExists(topic.name)",
        replace: "if (name?.state === 'live' && attempt === 0) throw alreadyExists(topic.name)",
      },
    ],
  },
  {
    name: 'a snapshot said to cover one commit more',
    edits: [
      {
        file: 'log/producers/snapshot-writer.ts',
        find: 'return { segment, commits, time }',
        replace: 'return { segment, commits: commits + 1, time }',
      },
    ],
  },
  {
    name: 'a fold loaded without the chunks after its snapshot',
    edits: [
      {
        file: shard,
        find: '...chunks.flatMap(chunk => chunk.commits), ...head.tail].slice(Math.max(0, from - first))',
        replace: '...head.tail].slice(Math.max(0, from - tailStart(head)))',
      },
    ],
  },
  {
    name: 'a carried segment left out of its commit',
    edits: [
      {
        file: committer,
        find: '...Array.from(carried.values(), ({ operation }) => operation),',
        replace: '',
      },
    ],
  },
  {
    name: 'memory in the cache that the cache does not hold',
    edits: [{ file: 'log/read/batch-cache.ts', find: 'memory?.hold()', replace: '' }],
  },
  {
    name: "another's group document taken for our own",
    edits: [
      {
        file: 'storage/certain-writes.ts',
        find: 'item => item?.version === version',
        replace: 'item => item !== undefined',
      },
    ],
  },
  {
    name: 'a snapshot referred to before it is put',
    focus: 'log',
    edits: [
      {
        file: 'log/producers/snapshot-writer.ts',
        find: 'const segment = await segments.put(segmentIds.next(), [encodeFold(fold, time)])',
        replace: `const id = segmentIds.next()
  const bytes = encodeFold(fold, time)
  void segments.put(id, [bytes]).catch(() => {})
  const segment = { id, medium: segments.mediumFor(bytes.length) }`,
      },
    ],
  },
  {
    name: 'a version counter that starts again',
    edits: [
      {
        file: 'base/random.ts',
        find: 'export function drawToken(random: Random): number {',
        replace: `const counters = new WeakMap<Random, number>()
export function drawToken(random: Random): number {
  const next = (counters.get(random) ?? 0) + 1
  counters.set(random, next)
  if (random) return next`,
      },
      {
        file: 'base/random.ts',
        find: 'return (drawToken(random) - 1) / 2 ** 53',
        replace: 'return random.bytes(1)[0]! / 256',
      },
    ],
  },
]
