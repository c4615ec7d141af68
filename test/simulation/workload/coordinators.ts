import type { GroupPlan } from '../group-plan.ts'
import type { Scene } from './client.ts'

/** Which gateway coordinates the group, as `gateway` believes: each goes by what it has heard of the others, so they may disagree. */
export function coordinatorSeenBy(
  { world: { time }, cluster }: Pick<Scene, 'world' | 'cluster'>,
  { coordinators, disagreements }: Pick<GroupPlan, 'coordinators' | 'disagreements'>,
  gateway: number,
): number {
  if (disagreements.some(({ from, to }) => time >= from && time < to)) return gateway
  return coordinators.findLast(({ at }) => at <= time)!.gateway % cluster.size
}
