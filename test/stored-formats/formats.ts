import { groupFormats } from './group-formats.ts'
import { logFormats } from './log-formats.ts'
import { otherFormats } from './other-formats.ts'
import type { StoredFormat } from './stored-format.ts'

/** Everything that Varve stores. */
export function storedFormats(): StoredFormat[] {
  return [...logFormats(), ...groupFormats(), ...otherFormats()]
}
