import type { Plant } from './plant.ts'

const served = 'share/served-partition.ts'
const partition = 'share/share-partition.ts'

export const sharePlants: readonly Plant[] = [
  {
    name: 'a share partition’s lost race taken for won',
    focus: 'shares',
    edits: [
      {
        file: served,
        find: "if (written === 'conflict') {",
        replace: "if (written === 'conflict' && !entries.length) {",
      },
    ],
  },
  {
    name: 'locks that end early',
    focus: 'shares',
    edits: [{ file: served, find: 'now + durationMs)', replace: 'now + durationMs / 2)' }],
  },
  {
    name: 'locks that never end',
    focus: 'shares',
    edits: [{ file: served, find: 'filter(([, end]) => end <= now)', replace: 'filter(([, end]) => end < 0)' }],
  },
  {
    name: 'a renewal that leaves the old lock',
    focus: 'shares',
    edits: [{ file: partition, find: 'return { ...run, lock: renewal }', replace: 'return run' }],
  },
  {
    name: 'acknowledgements of anybody taken',
    focus: 'shares',
    edits: [
      {
        file: partition,
        find: 'if (held?.memberId !== lock.memberId) return false',
        replace: 'if (held?.memberId !== lock.memberId) return held !== undefined',
      },
    ],
  },
  {
    name: 'a record given back in the session alone that it was given in',
    focus: 'shares',
    edits: [{ file: partition, find: 'held.session <= lock.session', replace: 'held.session === lock.session' }],
  },
  {
    name: 'a refusal by a state that is an old one',
    focus: 'shares',
    edits: [{ file: served, find: 'if (!isFresh) return this.#attempt(entries, await this.#read())', replace: '' }],
  },
  {
    name: 'what is accepted comes back',
    focus: 'shares',
    edits: [
      {
        file: partition,
        find: "if (type !== 'release') return",
        replace: "if (type === 'reject' || type === 'gap') return",
      },
    ],
  },
  {
    name: 'deliveries not counted',
    focus: 'shares',
    edits: [
      {
        file: partition,
        find: "return { first, last, state: 'available', deliveries }",
        replace: "return { first, last, state: 'available', deliveries: deliveries - 1 }",
      },
    ],
  },
  {
    name: 'no limit of deliveries',
    focus: 'shares',
    edits: [
      { file: partition, find: 'if (deliveries >= deliveriesMax) return', replace: 'if (deliveries < 0) return' },
    ],
  },
  {
    name: 'given up one delivery too early',
    focus: 'shares',
    edits: [
      {
        file: partition,
        find: 'if (deliveries >= deliveriesMax) return',
        replace: 'if (deliveries >= deliveriesMax - 1) return',
      },
    ],
  },
]
