/**
 * A consumer group over HTTP in one call: `POST /v1/groups/{group}/poll` joins, keeps alive, commits what was handed out before,
 * answers the assignment and records, and leaves. The answer's cursor is all that the member knows; it goes back in the next call.
 */
import * as z from 'zod'
import { drawUuid } from '../../base/index.ts'
import type { AnswerHold } from '../answer-memory.ts'
import { isolationQuery } from '../consume/consume-routes.ts'
import { outputEncodings, outputRecordSchema, recordLine } from '../consume/record-output.ts'
import { HttpError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { check, nothing, type Route, route } from '../route.ts'
import { GroupMember, type MemberState, memberSchema } from './group-member.ts'
import { demandAllOf } from './member-rights.ts'

export const groupParams = z.strictObject({ group: z.string().min(1).max(255) })

const pollSchema = z.strictObject({
  cursor: z.string().optional().describe('From the answer before. Without: join.'),
  topics: z
    .array(z.string())
    .min(1)
    .max(1_000)
    .optional()
    .describe('Needed to join; later they change the subscription.'),
  commit: z.boolean().default(false).describe('What earlier answers handed out is done with.'),
  leave: z.boolean().default(false).describe('Others get the partitions at once.'),
  from: z
    .enum(['earliest', 'latest'])
    .default('latest')
    .describe('Where to begin where the group has committed nothing.'),
  maxRecords: z.int().min(0).default(500).describe('0: only stay alive, and commit.'),
  maxBytes: z.int().min(1).default(1_048_576),
  waitMs: z.int().min(0).default(0),
  isolation: isolationQuery,
  keyEncoding: z.enum(['auto', 'text', 'base64']).optional(),
  valueEncoding: z.enum(outputEncodings).optional(),
})

const answerSchema = z.object({
  records: z.array(outputRecordSchema),
  cursor: z.string().optional(),
  memberId: z.string(),
  memberEpoch: z.int(),
  assignment: z.array(z.object({ topic: z.string(), partitions: z.array(z.int()) })),
})

export const pollRoute: Route = route({
  method: 'post',
  path: '/v1/groups/{group}/poll',
  tag: 'Groups',
  summary: 'Consume as a member of a group: join, heartbeat, commit, read, leave',
  description:
    'Each partition goes to one member. A member that does not come for 45 s loses its partitions. UNKNOWN_MEMBER_ID (404) and ' +
    'FENCED_MEMBER_EPOCH (409) mean that it did: call again without a cursor.',
  params: groupParams,
  query: nothing,
  body: { 'application/json': pollSchema },
  answers: {
    200: { description: 'Records, and the cursor for the next call.', content: { 'application/json': answerSchema } },
  },
  async handle(call, parts) {
    const { params, demandGroup, signal } = call
    demandGroup(params.group)
    const asked = await call.json(pollSchema)
    const state = stateFrom(asked, () => `http-${Buffer.from(drawUuid(parts.random)).toString('hex')}`)
    await demandAllOf(call, state, parts)
    const names = { groupId: params.group, clientId: call.principal.name, from: asked.from }
    const member = new GroupMember(parts, names, state)
    if (asked.commit) await member.commit()
    if (asked.leave) {
      await member.leave()
      return answerWith(call, [], { memberId: member.id, memberEpoch: -1, assignment: [] })
    }
    const { limits } = parts
    const reads = await member.poll({
      recordsMax: Math.min(asked.maxRecords, limits.recordsMax),
      bytesMax: Math.min(asked.maxBytes, limits.answerBytesMax),
      waitMs: Math.min(asked.waitMs, limits.waitMsMax),
      isolation: asked.isolation,
      signal,
      answer: call.answer,
    })
    await call.renew()
    demandGroup(params.group)
    // What the group gave meanwhile.
    await demandAllOf(call, member.state(), parts)
    const lines = reads.map(({ cursor, record }) => {
      return recordLine(record, { topic: cursor.topic.name, partition: cursor.partition }, asked)
    })
    const byTopic = Map.groupBy(member.places, ({ topicId }) => topicId)
    const assignment: { topic: string; partitions: number[] }[] = []
    for (const [topicId, places] of byTopic) {
      const topic = await parts.log.topics.find({ id: topicId })
      if (topic) assignment.push({ topic: topic.name, partitions: places.map(({ partition }) => partition) })
    }
    return answerWith(call, lines, {
      cursor: Buffer.from(JSON.stringify(member.state())).toString('base64url'),
      memberId: member.id,
      memberEpoch: member.epoch,
      assignment,
    })
  },
})

function stateFrom({ cursor, topics }: z.infer<typeof pollSchema>, drawId: () => string): MemberState {
  if (cursor !== undefined) {
    const text = Buffer.from(cursor, 'base64url').toString('utf8')
    const state = check(memberSchema, parseJson(text, 'body.cursor'), 'body.cursor')
    return topics ? { ...state, topics } : state
  }
  if (!topics) throw new HttpError('BAD_REQUEST', 'body.topics: a member that joins says what it wants to read')
  return { id: drawId(), epoch: 0, topics, places: {}, manual: false }
}

/** The lines are JSON already. */
function answerWith({ answer }: { answer: AnswerHold }, lines: readonly string[], rest: object): Response {
  const text = `{"records":[${lines.join(',')}],${JSON.stringify(rest).slice(1)}`
  return answer.respond(text, { 'content-type': 'application/json' })
}
