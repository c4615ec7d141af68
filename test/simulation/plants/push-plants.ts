import type { Plant } from './plant.ts'

const pusher = 'push/partition-pusher.ts'
const checkpoint = 'push/checkpoint.ts'

export const pushPlants: readonly Plant[] = [
  {
    name: 'a checkpoint before the delivery',
    focus: 'push',
    edits: [
      {
        file: pusher,
        find: 'const delivery = await this.#target.deliver(batch, signal)',
        replace:
          'await this.#store(known, startAt(gathered.next)); const delivery = await this.#target.deliver(batch, signal)',
      },
    ],
  },
  {
    name: 'a part that was taken counts as all',
    focus: 'push',
    edits: [
      {
        file: pusher,
        find: 'if (rest.length === 0) return',
        replace: 'if (rest.length < records.length || rest.length === 0) return',
      },
    ],
  },
  {
    name: 'a single record given up for all of its delivery',
    focus: 'push',
    edits: [{ file: checkpoint, find: 'if (records === 1) return', replace: 'if (records >= 1) return' }],
  },
  {
    name: 'given up without a dead letter',
    focus: 'push',
    edits: [
      {
        file: pusher,
        find: 'if (policy.deadLetterTopic === undefined) return true',
        replace: 'if (policy.deadLetterTopic !== undefined) return true',
      },
    ],
  },
  {
    name: 'begins at the end where there is no checkpoint',
    focus: 'push',
    edits: [
      {
        file: pusher,
        find: "this.#partition, { at: 'earliest' })\n    return { checkpoint: startAt(offset)",
        replace:
          "this.#partition, { at: 'latest', isolation: 'read_committed' })\n    return { checkpoint: startAt(offset)",
      },
    ],
  },
]
