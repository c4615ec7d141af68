import type { Plant } from './plant.ts'

const transactionalId = 'transactions/transactional-id.ts'
const transitions = 'transactions/transitions.ts'

export const transactionPlants: readonly Plant[] = [
  {
    name: 'a marker told by epoch alone',
    focus: 'transactions',
    edits: [
      {
        file: 'log/append/commit-plan.ts',
        find: 'if (state && (transaction <= state.ended || transaction < (state.open?.transaction ?? 0))) return',
        replace: 'if (state && marker.producerEpoch < state.epoch) return',
      },
    ],
  },
  {
    name: "a zombie's batch let into a transaction that has ended",
    focus: 'transactions',
    edits: [
      {
        file: 'log/producers/sequence.ts',
        find: 'if (transaction > 0 && state && (transaction <= state.ended || transaction < (state.open?.transaction ?? 0))) {',
        replace: 'if (transaction < 0) {',
      },
    ],
  },
  {
    name: 'markers before the decision',
    focus: 'transactions',
    edits: [
      {
        file: transactionalId,
        find: 'return (await this.#write(read, decision.document)) ? this.#finish(this.#known!) : undefined',
        replace: `await tellEverybody(decision.document, outcomeOf(decision.document)!, this.#parts)
        return (await this.#write(read, decision.document)) ? this.#finish(this.#known!) : undefined`,
      },
    ],
  },
  {
    name: 'a lost decision taken for our own',
    focus: 'transactions',
    edits: [
      {
        file: 'transactions/transaction-items.ts',
        find: 'return outcome.written ? { written: version } : { inTheWay: readOf(outcome.inTheWay) }',
        replace: 'return { written: version }',
      },
    ],
  },
  {
    name: 'a partition not added before its first batch',
    focus: 'transactions',
    edits: [
      {
        file: transitions,
        find: 'if (isOngoing && includes(document, request)) return',
        replace: 'if (isOngoing) return',
      },
    ],
  },
  {
    name: 'completed before everybody was told',
    focus: 'transactions',
    edits: [{ file: 'transactions/finish.ts', find: 'if (failures.length > 0) throw failures[0]', replace: '' }],
  },
  {
    name: 'what others left is not taken over',
    focus: 'transactions',
    edits: [
      {
        file: 'transactions/transactions.ts',
        find: 'const ids = (await this.#items.listIds()).filter(isOurs)',
        replace: "const ids = (await this.#items.listIds()).filter(id => isOurs(id) && id === '')",
      },
    ],
  },
  {
    name: 'the epoch not raised for a new producer',
    focus: 'transactions',
    edits: [
      {
        file: transitions,
        find: 'const raised = raiseEpoch(document, moment)\n',
        replace: 'const raised = { ...document, lastEpoch: -1 }\n',
      },
    ],
  },
  {
    name: "a rival's epoch taken for the end of one's own transaction",
    focus: 'transactions',
    edits: [{ file: transitions, find: 'if (document.lastEpoch === document.epoch) return false', replace: '' }],
  },
  {
    name: 'the last stable offset not lowered',
    focus: 'transactions',
    edits: [
      {
        file: 'log/head/transitions.ts',
        find: 'Math.max(stable[slot] ?? partition.next, partition.start)',
        replace: 'Math.max(partition.next, stable[slot] ?? 0)',
      },
    ],
  },
  {
    name: 'the aborted transactions of chunks forgotten',
    focus: 'transactions',
    edits: [
      {
        file: 'log/read/read-partition.ts',
        find: '[...shard.directory.entries.flatMap(entry => entry.aborts), ...abortsIn',
        replace: '[...abortsIn',
      },
    ],
  },
  {
    name: 'open transactions forgotten in snapshots',
    focus: 'transactions',
    edits: [
      {
        file: 'log/producers/snapshot.ts',
        find: 'const open = transaction === 0 ? undefined : { transaction, firstOffset }',
        replace: 'const open = transaction >= 0 ? undefined : { transaction, firstOffset }',
      },
    ],
  },
  {
    name: 'staged offsets committed at once',
    focus: 'transactions',
    edits: [
      {
        file: 'groups/staged-offsets.ts',
        find: 'draft.staged.push(offset)\n}',
        replace: 'commitOffset(draft, partition, offset.stored)\n}',
      },
    ],
  },
  {
    name: 'staged offsets of an ended transaction taken',
    focus: 'transactions',
    edits: [
      {
        file: 'groups/staged-offsets.ts',
        find: "return transaction <= (ended.get(producerId) ?? 0) ? 'INVALID_TXN_STATE' : undefined",
        replace: "return transaction < 0 && ended.has(producerId) ? 'INVALID_TXN_STATE' : undefined",
      },
    ],
  },
]
