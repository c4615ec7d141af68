import type { Topic } from '../../../lib/log/index.ts'
import type { Deletion } from '../checker/index.ts'
import type { DeletionPlan } from '../upkeep-plan.ts'
import { Client, failureOf, type Scene } from './client.ts'

const DELETE_TIMEOUT_MS = 30_000

/** Deletes records of a partition once, and writes down what became of it. */
export async function deleteSome(scene: Scene, plan: DeletionPlan, topic: Topic): Promise<void> {
  const { world, history } = scene
  const { partition, part } = plan
  const client = new Client(scene, `deleter@${plan.at}`)
  const spec = { at: 'latest', isolation: 'read_uncommitted' } as const
  const { offset: end } = await client.insist('an end', ({ log }) => log.findOffset(topic, partition, spec))
  const before = part === 1 ? 'end' : Math.floor(end * part)
  const deletion = begin(scene, topic, partition, before === 'end' ? Infinity : before)
  history.push(deletion)
  try {
    const start = await client.call(`delete records of ${topic.name}/${partition} before ${before}`, ({ log }) =>
      log.deleteRecords({ topic, partition, before, timeoutMs: DELETE_TIMEOUT_MS }),
    )
    deletion.outcome = { kind: 'done', start }
  } catch (error) {
    deletion.outcome = failureOf(error)
  }
  deletion.completed = world.tick()
  deletion.completedAtMs = world.time
  world.count(`deletion ${deletion.outcome.kind}`)
}

/** Retention may take what it likes of these partitions from now on. */
export function allowRetention(scene: Scene, topic: Topic, partitions: number): void {
  for (let partition = 0; partition < partitions; partition++) {
    scene.history.push({ ...begin(scene, topic, partition, Infinity), byRetention: true })
  }
}

function begin({ world }: Scene, topic: Topic, partition: number, before: number): Deletion {
  return {
    kind: 'delete-records',
    partition: `${topic.id}/${partition}`,
    before,
    invoked: world.tick(),
    completed: Infinity,
    completedAtMs: Infinity,
    outcome: { kind: 'unknown', code: 'NO_ANSWER' },
  }
}
