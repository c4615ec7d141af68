/**
 * DeleteGroups, versions 0 to 3. Each group succeeds or fails for itself.
 *
 * Departures from Apache Kafka: none known.
 */
import { DeleteGroups, type DeleteGroupsResponse, type MessageInput } from '../../protocol/index.ts'
import { ShareError } from '../../share/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorMessageOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'

type Answer = MessageInput<typeof DeleteGroupsResponse>['results'][number]

export const deleteGroups = handler(DeleteGroups, {
  async handle({ groupsNames }, context) {
    const once = [...new Set(groupsNames)]
    return { throttleTimeMs: 0, results: await Promise.all(once.map(groupId => deleteGroup(groupId, context))) }
  },
})

async function deleteGroup(groupId: string, context: RequestContext): Promise<Answer> {
  try {
    checkCoordinates(groupId, context)
    if (!(await deleteShareGroup(groupId, context))) await context.groups.delete(groupId)
    return { groupId, errorCode: 0 }
  } catch (error) {
    return { groupId, errorCode: errorCodeOf(error, context.logger), errorMessage: errorMessageOf(error) }
  }
}

/** False: there is no share group of this name. */
async function deleteShareGroup(groupId: string, { shares }: RequestContext): Promise<boolean> {
  try {
    await shares.delete(groupId)
    return true
  } catch (error) {
    if (error instanceof ShareError && error.code === 'GROUP_ID_NOT_FOUND') return false
    throw error
  }
}
