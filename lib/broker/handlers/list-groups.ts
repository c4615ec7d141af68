/**
 * ListGroups, versions 0 to 5: the groups that this gateway coordinates; clients ask all of them. Filters by state (from
 * version 4) and type (from 5) do not mind upper and lower case.
 *
 * Departures from Apache Kafka: a group shows up once its first rebalance is over, not before.
 */
import { ListGroups } from '../../protocol/index.ts'
import { coordinates } from '../coordination.ts'
import { errorCodeOf } from '../errors.ts'
import { handler } from '../handler.ts'

export const listGroups = handler(ListGroups, {
  async handle({ statesFilter, typesFilter }, context) {
    try {
      const groups = await context.groups.list()
      const shares = (await context.shares.list()).map(group => ({ ...group, protocolType: 'share', type: 'share' }))
      const listed = [...groups, ...shares].filter(
        group =>
          coordinates(group.groupId, context) && allows(statesFilter, group.state) && allows(typesFilter, group.type),
      )
      return {
        errorCode: 0,
        groups: listed.map(({ groupId, protocolType, state, type }) => ({
          groupId,
          protocolType,
          groupState: state,
          groupType: type,
        })),
      }
    } catch (error) {
      return { errorCode: errorCodeOf(error, context.logger), groups: [] }
    }
  },
})

function allows(filter: readonly string[], value: string): boolean {
  return filter.length === 0 || filter.some(each => each.toLowerCase() === value.toLowerCase())
}
