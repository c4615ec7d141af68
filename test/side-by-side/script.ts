import type { Api, Encodable, Fields } from '../../lib/protocol/index.ts'
import { NoAnswer, type Transcript } from './transcript.ts'

/** Requests that are sent to both servers in this order. Names of topics and groups are a script's own. */
export interface Script {
  readonly name: string
  run(transcript: Transcript): Promise<void>
}

export function script(name: string, run: (transcript: Transcript) => Promise<void>): Script {
  return { name, run }
}

/** The same request in every version that Apache Kafka 4.4 advertises and has. */
export async function everyVersion<Q extends Fields, R extends Fields>(
  transcript: Transcript,
  api: Api<Q, R>,
  body: (version: number) => Encodable<Q>,
): Promise<void> {
  const [first, last] = versionsOf(api)
  for (let version = first; version <= last; version++) await transcript.ask(api, version, body(version)).catch(goOn)
}

export function versionsOf<Q extends Fields, R extends Fields>(api: Api<Q, R>): [number, number] {
  return [Math.max(api.request.versions[0], api.advertised[0]), Math.min(api.request.versions[1], api.advertised[1])]
}

/** The transcript says that there was no answer; what comes next is asked all the same. */
export function goOn(error: unknown): undefined {
  if (!(error instanceof NoAnswer)) throw error
  return undefined
}
