import { decodeExtent } from '../../lib/log/extent/extent-item.ts'
import type { WriteOperation } from '../../lib/storage/index.ts'
import type { Violation } from './checker/index.ts'
import type { StoreObserver } from './world/stores.ts'
import type { World } from './world/world.ts'

/** Counts what a history came across, as the traffic with the stores shows it. */
export interface Coverage extends StoreObserver {
  /** Operations that changed something, so far. */
  readonly effects: number
}

export function coverageOf(world: World, violations: Violation[]): Coverage {
  let effects = 0
  return {
    get effects() {
      return effects
    },
    wrote(operations, outcome) {
      const heads = operations.filter(({ key }) => key.sk === 'head')
      const chunk = operations.some(({ key, kind }) => kind === 'put' && key.sk.startsWith('c#'))
      if (!outcome.written) {
        world.count('conflict')
        if (heads.length > 0) world.count('head conflict')
        return
      }
      effects++
      if (heads.length > 0) world.count('head write')
      if (heads.length > 0 && chunk) world.count('roll')
      if (operations.some(({ key, kind }) => kind === 'put' && key.pk.startsWith('x#'))) world.count('extent')
      if (operations.some(({ key, kind }) => kind === 'delete' && key.pk.startsWith('x#'))) world.count('merge')
      if (operations.some(isInClass)) world.count('storage class')
      if (operations.some(({ key, kind }) => kind === 'delete' && key.sk.startsWith('c#'))) world.count('chunk removed')
      if (operations.some(({ key, kind }) => kind === 'put' && key.pk.startsWith('g#'))) world.count('segment item')
    },
    put(_key, outcome) {
      if (outcome === 'created') effects++
      world.count(outcome === 'created' ? 'segment object' : 'object exists')
    },
    deleted() {
      effects++
    },
    published() {
      effects++
    },
    unpublished() {
      effects++
    },
    changedParts(key, { name }) {
      violations.push({ property: 'changed-parts', what: `${name} changed those of ${key}` })
    },
  }
}

function isInClass(operation: WriteOperation): boolean {
  if (operation.kind !== 'put' || !operation.key.pk.startsWith('x#')) return false
  return decodeExtent(operation.value).storageClass !== undefined
}
