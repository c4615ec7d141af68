import { StoreError } from '../index.ts'

/** What a file system will say again however often it is asked. */
const REFUSALS = new Set(['EACCES', 'EPERM', 'EROFS', 'ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'EINVAL'])

/** `code` of a system error. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** A failed call of the file system that surely changed nothing a reader can see. */
export function failure(doing: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const code = REFUSALS.has(errorCode(error) ?? '') ? 'STORE_REFUSED' : 'STORE_UNAVAILABLE'
  return new StoreError(code, `${doing}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}
