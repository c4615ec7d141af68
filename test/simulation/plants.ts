/**
 * Bugs planted to see that they are found: each changes a few words of the engine's files as they are loaded into a
 * worker. The product has no switches for them. A plant whose words are not in the file any more fails loudly.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import type { Focus } from './plan.ts'

export interface Plant {
  readonly name: string
  /** Other histories cannot show it. */
  readonly focus?: Focus
  readonly edits: readonly Edit[]
}

interface Edit {
  /** Under lib/. */
  readonly file: string
  /** Must be there exactly once. */
  readonly find: string
  readonly replace: string
}

const committer = 'log/append/committer.ts'
const shard = 'log/head/shard.ts'
const coordinatedGroup = 'groups/coordinated-group.ts'

export const plants: readonly Plant[] = [
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
        find: '.slice(known.head.commits - from)',
        replace: '.slice(Math.max(known.head.commits - from, chunks.flatMap(chunk => chunk.commits).length))',
      },
    ],
  },
  {
    name: 'out of range and empty answered from a cached head',
    edits: [
      {
        file: 'log/read/read-partition.ts',
        find: 'if (!partition || offset >= endFor(partition, request) || offset < partition.start) {',
        replace: 'if (!partition) {',
      },
    ],
  },
  {
    name: 'the end told from a cached head',
    edits: [{ file: 'log/read/find-offset.ts', find: 'await shard.refresh()', replace: '' }],
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
        file: 'log/append/answers.ts',
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
        find: "if (name?.state === 'live') throw alreadyExists(topic.name)",
        replace: "if (name?.state === 'live' && attempt === 0) throw alreadyExists(topic.name)",
      },
    ],
  },
  {
    name: 'a snapshot said to cover one commit more',
    edits: [
      {
        file: 'log/producers/snapshot-writer.ts',
        find: 'this.#ready = { segment, commits, time }',
        replace: 'this.#ready = { segment, commits: commits + 1, time }',
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
        find: '...carried.map(({ id, carried: parts }) => this.#parts.segments.carry(id, parts ?? [])),',
        replace: '',
      },
    ],
  },
  {
    name: 'the group checked before the offsets item is read',
    focus: 'groups',
    edits: [
      {
        file: 'groups/offset-lane.ts',
        find: 'const block = this.#known ?? (await items.readOffsets(key))\n    const group = await this.#readGroup(entries, block.value)',
        replace:
          'const group = await this.#readGroup(entries, undefined)\n    const block = this.#known ?? (await items.readOffsets(key))',
      },
    ],
  },
  {
    name: 'offsets written over whatever is there',
    focus: 'groups',
    edits: [
      {
        file: 'groups/offset-lane.ts',
        find: 'await items.writeOffsets(key, block.version, value, checked)',
        replace: 'await items.writeOffsets(key, (await items.readOffsets(key)).version, value, checked)',
      },
    ],
  },
  {
    name: 'commits of any generation taken',
    focus: 'groups',
    edits: [
      {
        file: 'groups/offset-rules.ts',
        find: "if (generation !== group.generation) return 'ILLEGAL_GENERATION'",
        replace: '',
      },
    ],
  },
  {
    name: 'heartbeats answered from a cached document for ever',
    focus: 'groups',
    edits: [
      {
        file: coordinatedGroup,
        find: 'if (this.#options.clock.monotonic() - held.asOf >= this.#staleAfterMs(held.group)) await this.#confirm(held)',
        replace: '',
      },
    ],
  },
  {
    name: 'sessions not restarted at a takeover',
    focus: 'groups',
    edits: [
      {
        file: 'groups/classic-group.ts',
        find: 'deadline: now + stored.sessionTimeoutMs,\n      joining',
        replace: 'deadline: now,\n      joining',
      },
    ],
  },
  {
    name: 'sessions ended after a freeze',
    focus: 'groups',
    edits: [{ file: coordinatedGroup, find: 'now - due > FROZEN_MS', replace: 'now - due < 0' }],
  },
  {
    name: 'a group served before it says by whom',
    focus: 'groups',
    edits: [
      {
        file: coordinatedGroup,
        find: 'if (document.coordinator === coordinator || document.members.length === 0) {',
        replace: 'if (document) {',
      },
    ],
  },
  {
    name: 'the generation not raised',
    focus: 'groups',
    edits: [{ file: 'groups/classic-rebalance.ts', find: 'draft.generation++', replace: '' }],
  },
  {
    name: 'an assignment told before it is stored',
    focus: 'groups',
    edits: [
      {
        file: coordinatedGroup,
        find: 'await this.#store(step)\n      const answer = hold(outcome.heldAs)\n      this.#reply(step.replies)',
        replace: 'const answer = hold(outcome.heldAs)\n      this.#reply(step.replies)\n      await this.#store(step)',
      },
    ],
  },
  {
    name: "another's group document taken for our own",
    edits: [
      {
        file: 'groups/group-items.ts',
        find: 'item => item?.version === version',
        replace: 'item => item !== undefined',
      },
    ],
  },
  {
    name: 'the dead keep their place',
    focus: 'groups',
    edits: [
      {
        file: 'groups/classic-session.ts',
        find: 'if (member.deadline > now || !canExpire(member)) continue',
        replace: 'if (member.deadline > 0) continue',
      },
    ],
  },
  {
    name: 'who waits is forgotten when a group is let go',
    focus: 'groups',
    edits: [{ file: coordinatedGroup, find: 'this.#joins.refuseAll(code)', replace: '' }],
  },
]

/** The engine files of a plant with the bug in them, by URL. @throws Error if words to change are not there once */
export function plantedSources({ name, edits }: Plant): Map<string, string> {
  const sources = new Map<string, string>()
  for (const { file, find, replace } of edits) {
    const url = new URL(`../../lib/${file}`, import.meta.url)
    const source = sources.get(url.href) ?? readFileSync(url, 'utf8')
    const parts = source.split(find)
    if (parts.length !== 2) throw new Error(`plant '${name}': '${find}' is ${parts.length - 1} times in ${file}`)
    sources.set(url.href, parts.join(replace))
  }
  return sources
}

/** From here on this thread loads the engine with the bug in it. To be called before the engine is loaded. */
export function plantBug(plant: Plant): void {
  const sources = plantedSources(plant)
  registerHooks({
    load: (url, context, nextLoad) => {
      const source = sources.get(url)
      return source === undefined ? nextLoad(url, context) : { format: 'module-typescript', source, shortCircuit: true }
    },
  })
}
