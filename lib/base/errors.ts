/**
 * Errors carry a literal `code` and their data; each edge (wire, HTTP, CLI) maps every code in one total table.
 */
export abstract class VarveError extends Error {
  abstract readonly code: string

  override get name(): string {
    return this.constructor.name
  }
}

/** A state that the code holds to be impossible. Seeing one is a bug in Varve, never a user's mistake. */
export class InvariantError extends VarveError {
  readonly code = 'INVARIANT'
}

/** Bytes that do not decode as what they should be (a stored document, a segment, a batch). */
export class CorruptDataError extends VarveError {
  readonly code = 'CORRUPT_DATA'
}

/** Throws InvariantError unless `condition` holds. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
