/** The describing of groups of the new kinds, in which each group succeeds or fails for itself. */
import { checkGroupId, GroupError } from '../groups/index.ts'
import { groupOperations, operationsNotAsked } from './authorized-operations.ts'
import { checkCoordinates } from './coordination.ts'
import { errorCodeOf, errorMessageOf } from './errors.ts'
import type { RequestContext } from './handler.ts'

interface Asked {
  readonly groupIds: readonly string[]
  readonly includeAuthorizedOperations: boolean
}

/** What every description begins with. */
export interface DescribedGroup {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly groupId: string
  readonly groupState: string
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  readonly members: readonly []
  readonly authorizedOperations: number
}

/**
 * One answer for each id, however often it is asked for. `describe` throws what refuses a group; `refused` adds what an
 * answer of the API has besides.
 */
export function describeGroups<T extends object>(
  { groupIds, includeAuthorizedOperations }: Asked,
  context: RequestContext,
  { describe, refused }: { describe: (groupId: string) => Promise<T>; refused: (group: DescribedGroup) => T },
): Promise<T[]> {
  const authorizedOperations = includeAuthorizedOperations ? groupOperations : operationsNotAsked
  return Promise.all(
    groupIds.map(async groupId => {
      try {
        checkCoordinates(groupId, context)
        if (groupId === '') throw new GroupError('INVALID_GROUP_ID', "GroupId can't be empty.")
        checkGroupId(groupId)
        return { ...(await describe(groupId)), errorCode: 0, errorMessage: null, groupId, authorizedOperations }
      } catch (error) {
        return refused({
          errorCode: errorCodeOf(error, context.logger),
          errorMessage: errorMessageOf(error),
          groupId,
          groupState: '',
          groupEpoch: 0,
          assignmentEpoch: 0,
          members: [],
          authorizedOperations: operationsNotAsked,
        })
      }
    }),
  )
}
