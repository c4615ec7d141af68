import type { Plant } from './plant.ts'

const rules = 'groups/offset-expiry.ts'

/** Races that a history meets too seldom are in test/groups/expiry.test.ts and test/transactions/expiry.test.ts. */
export const expiryPlants: readonly Plant[] = [
  {
    name: 'a group goes with what is staged in it',
    focus: 'transactions',
    edits: [{ file: rules, find: '(offsets.size === 0 && staged.length === 0)', replace: 'offsets.size === 0' }],
  },
  {
    name: 'offsets expire by their age alone, whoever is in the group',
    focus: 'groups',
    edits: [
      { file: rules, find: 'const empty = isEmptyGroup(group)', replace: 'const empty = true' },
      {
        file: rules,
        find: 'return isEmptyGroup(group) ? isLongEmpty(group, moment) : knowsSubscriptions(group)',
        replace: 'return group !== undefined && moment !== undefined',
      },
    ],
  },
  {
    name: 'a transactional id is forgotten while its transaction is open',
    focus: 'transactions',
    edits: [
      {
        file: 'transactions/transaction-expiry.ts',
        find: "return state === 'Empty' ||",
        replace: "return state === 'Ongoing' || state === 'Empty' ||",
      },
    ],
  },
]
