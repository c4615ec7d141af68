import { getSystemErrorName } from 'node:util'
import { StoreError } from '../index.ts'

/** What a file system will say again however often it is asked. */
const REFUSALS = new Set(['EACCES', 'EPERM', 'EROFS', 'ENAMETOOLONG', 'ENOTDIR', 'EISDIR'])

/** The name of a system error, as `ENOSPC`; lmdb gives the number. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  if (typeof error.code === 'string') return error.code
  return typeof error.code === 'number' && error.code > 0 ? getSystemErrorName(-error.code) : undefined
}

/** `effect`: what the failed call may have changed that a reader can see. */
export function failure(doing: string, error: unknown, effect: StoreError['effect'] = 'none'): StoreError {
  if (error instanceof StoreError) return error
  const message = `${doing}: ${error instanceof Error ? error.message : String(error)}`
  if (REFUSALS.has(errorCode(error) ?? '')) return new StoreError('STORE_REFUSED', message, { cause: error })
  const code = effect === 'none' ? 'STORE_UNAVAILABLE' : 'STORE_OUTCOME_UNKNOWN'
  return new StoreError(code, message, { cause: error })
}
