/**
 * What a caller of the HTTP interface may do, as a list of scopes. Pure.
 *
 * A scope is `produce:PREFIX*`, `consume:PREFIX*` or `admin:PREFIX*` (topics by the beginning of their name; without `*`
 * one topic), or `group:PREFIX*` (groups that a consumer may use). `admin:*` may do everything; admin of a prefix
 * may also produce and consume there. Whoever has no `group:` scope may use any group with the topics that it may consume.
 */
import { KeyError } from './errors.ts'

export const actions = ['produce', 'consume', 'admin', 'group'] as const
export type Action = (typeof actions)[number]

export interface Scope {
  readonly action: Action
  /** A name, or with `*` at its end the beginning of names. */
  readonly pattern: string
}

export interface Principal {
  /** Who, for logs: never a secret. */
  readonly name: string
  readonly scopes: readonly Scope[]
}

/** Whoever comes, where nobody is asked who he is. */
export const everybody: Principal = { name: 'anonymous', scopes: [{ action: 'admin', pattern: '*' }] }

const PATTERN = /^(\*|[a-zA-Z0-9._-]{1,249}\*?)$/

/** `produce:web-*`; an action alone means all names. Undefined: no scope. */
export function parseScope(text: string): Scope | undefined {
  const [name, pattern = '*', ...rest] = text.split(':')
  const action = actions.find(known => known === name)
  if (!action || rest.length > 0 || !PATTERN.test(pattern)) return undefined
  return { action, pattern }
}

/** @throws KeyError INVALID_SCOPE */
export function readScope(text: string): Scope {
  const scope = parseScope(text)
  if (!scope) throw new KeyError('INVALID_SCOPE', `'${text.slice(0, 300)}' is no scope: write produce:web-* or admin`)
  return scope
}

export function formatScope({ action, pattern }: Scope): string {
  return `${action}:${pattern}`
}

/** `name` undefined: the right to the action on everything, such as the cluster's own affairs. */
export function allows({ scopes }: Principal, action: Exclude<Action, 'group'>, name: string | undefined): boolean {
  return scopes.some(
    scope =>
      (scope.action === action || scope.action === 'admin') &&
      (name === undefined ? scope.pattern === '*' : matches(scope, name)),
  )
}

export function allowsGroup(principal: Principal, groupId: string): boolean {
  const { scopes } = principal
  if (scopes.some(({ action, pattern }) => action === 'admin' && pattern === '*')) return true
  const named = scopes.filter(({ action }) => action === 'group')
  if (named.length > 0) return named.some(scope => matches(scope, groupId))
  return scopes.some(({ action }) => action === 'consume' || action === 'admin')
}

function matches({ pattern }: Scope, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}
