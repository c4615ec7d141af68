import { describe, test } from 'vitest'

/** Something that a machine may lack, and what to do about it. */
export interface Requirement {
  /** Why it is not there and how to get it; undefined where it is. */
  readonly missing: string | undefined
  /** May be missing in CI too. */
  readonly optional?: boolean
}

/**
 * The tests, where what they need is there. Where it is missing they are skipped with a printed line that says so; with
 * CI=true that is a failure.
 */
export function describeWith(requirement: Requirement, name: string, define: () => void): void {
  const { missing } = requirement
  if (missing === undefined) {
    describe(name, define)
  } else if (process.env.CI === 'true' && !requirement.optional) {
    test(name, () => {
      throw new Error(missing)
    })
  } else {
    console.log(`SKIPPED ${name}: ${missing}`)
    describe.skip(name, define)
  }
}
