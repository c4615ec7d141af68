import type { ForkRequest } from '../contract.ts'
import { FORK_AT, FORK_FROM, parseForkPoint } from './fork-point.ts'

export interface AskedTopic {
  readonly name: string
  /** undefined: as many as are the default, which is the source's for a fork. */
  readonly partitions: number | undefined
  readonly configs: Readonly<Record<string, string>>
}

/** The fork that a new topic's configs ask for; undefined where it is none. @throws LogError INVALID_CONFIG */
export function forkAskedFor({ name, partitions, configs }: AskedTopic): ForkRequest | undefined {
  const { [FORK_FROM]: from, [FORK_AT]: at = 'latest', ...rest } = configs
  if (from === undefined) return undefined
  return { name, from, at: parseForkPoint(at.trim()), configs: rest, ...(partitions !== undefined && { partitions }) }
}
