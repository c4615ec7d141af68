/**
 * Client quotas as Apache Kafka 4.4 keeps them (KIP-13, KIP-546): whom one is for, what it may say, and which of them a filter
 * finds. An entity is stored under one name, its values as configs. Pure.
 */
import type { Configs } from './definition.ts'
import { ConfigError } from './errors.ts'

/** The name of each type; null: the default of the type. */
export type QuotaEntity = ReadonlyMap<string, string | null>

export interface QuotaChange {
  readonly key: string
  readonly value: number
  readonly remove: boolean
}

export interface QuotaFilter {
  readonly components: readonly {
    readonly entityType: string
    readonly matchType: number
    readonly match: string | null
  }[]
  /** Entities have no other types than the components. */
  readonly strict: boolean
}

export const quotaMatch = { exact: 0, default: 1, specified: 2 } as const

const entityTypes: readonly string[] = ['user', 'client-id', 'ip']
/** Of Java's. */
type NumberType = 'a LONG' | 'an INT' | 'a DOUBLE'
const clientKeys: Readonly<Record<string, NumberType>> = {
  producer_byte_rate: 'a LONG',
  consumer_byte_rate: 'a LONG',
  request_percentage: 'a DOUBLE',
  controller_mutation_rate: 'a DOUBLE',
}
const ipKeys: Readonly<Record<string, NumberType>> = { connection_creation_rate: 'an INT' }
const numberMax = { 'a LONG': 2 ** 63, 'an INT': 2 ** 31 - 1, 'a DOUBLE': Number.MAX_VALUE } as const
/** How far from a whole number a whole one may be. */
const EPSILON = 1e-6

/** @throws ConfigError INVALID_REQUEST */
export function quotaEntity(parts: readonly { entityType: string; entityName: string | null }[]): QuotaEntity {
  if (parts.length === 0) throw invalid('Invalid empty client quota entity')
  for (const { entityType, entityName } of parts) {
    if (!entityTypes.includes(entityType)) throw invalid(`Unhandled client quota entity type: ${entityType}`)
    if (entityName === '') throw invalid(`Empty ${entityType} not supported`)
  }
  const entity = new Map(parts.map(({ entityType, entityName }) => [entityType, entityName]))
  if (entity.has('ip') && entity.size > 1) throw invalid('Invalid empty client quota entity')
  return entity
}

/** What an entity is stored as: one name for one entity, in whatever order its types were told. */
export function quotaEntityName(entity: QuotaEntity): string {
  return JSON.stringify([...entity].sort(([one], [other]) => (one < other ? -1 : 1)))
}

export function quotaEntityOf(name: string): QuotaEntity {
  return new Map(JSON.parse(name) as [string, string | null][])
}

/** What is set after the changes. @throws ConfigError INVALID_REQUEST */
export function changeQuotas(entity: QuotaEntity, set: Configs, changes: readonly QuotaChange[]): Configs {
  const keys = entity.has('ip') ? ipKeys : clientKeys
  const after = new Map(Object.entries(set))
  const told = new Set<string>()
  for (const { key, value, remove } of changes) {
    if (told.has(key)) throw invalid(`Duplicate quota key ${key} not updating quota for this entity`)
    told.add(key)
    if (remove) {
      after.delete(key)
      continue
    }
    if (!Object.hasOwn(keys, key)) throw invalid(`Invalid configuration key ${key}`)
    checkValue(key, value, keys[key]!)
    after.set(key, String(value))
  }
  return Object.fromEntries([...after].sort(([one], [other]) => (one < other ? -1 : 1)))
}

function checkValue(key: string, value: number, type: NumberType): void {
  if (!(value > 0)) throw invalid(`Quota ${key} must be greater than 0`)
  if (type !== 'a DOUBLE' && Math.abs(Math.round(value) - value) > EPSILON) {
    throw invalid(`${key} cannot be a fractional value.`)
  }
  if (value > numberMax[type]) throw invalid(`Proposed value for ${key} is too large for ${type}.`)
}

/** @throws ConfigError INVALID_REQUEST, UNSUPPORTED_ENTITY */
export function checkQuotaFilter({ components }: QuotaFilter): void {
  const types = new Set<string>()
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') throw invalid('Invalid empty entity type.')
    if (types.has(entityType)) throw invalid(`Entity type ${entityType} cannot appear more than once in the filter.`)
    types.add(entityType)
    if (!entityTypes.includes(entityType)) {
      throw new ConfigError('UNSUPPORTED_ENTITY', `Unsupported entity type ${entityType}`)
    }
    const name = matchNames[matchType]
    if (name === undefined) throw invalid(`Unknown match type ${matchType}`)
    if (matchType === quotaMatch.exact && match === null) {
      throw invalid(`Request specified ${name}, but set match string to null.`)
    }
    if (matchType !== quotaMatch.exact && match !== null) {
      throw invalid(`Request specified ${name}, but also specified a match string.`)
    }
  }
  if (types.has('ip') && types.size > 1) {
    throw invalid(
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
    )
  }
}

const matchNames: Readonly<Record<number, string>> = {
  [quotaMatch.exact]: 'MATCH_TYPE_EXACT',
  [quotaMatch.default]: 'MATCH_TYPE_DEFAULT',
  [quotaMatch.specified]: 'MATCH_TYPE_SPECIFIED',
}

export function quotaFilterFinds({ components, strict }: QuotaFilter, entity: QuotaEntity): boolean {
  if (strict && entity.size !== components.length) return false
  return components.every(({ entityType, matchType, match }) => {
    const name = entity.get(entityType)
    return name !== undefined && (matchType === quotaMatch.specified || name === match)
  })
}

function invalid(message: string): ConfigError {
  return new ConfigError('INVALID_REQUEST', message)
}
