/** Runs every script against both servers and tells accepted differences from others. */
import { acceptedDifferences } from './accepted-differences.ts'
import { type AcceptedDifference, compareTranscripts, type Difference, isAccepted } from './comparison.ts'
import { scripts } from './scripts.ts'
import { NoAnswer, Transcript } from './transcript.ts'

export interface SideBySide {
  readonly scripts: number
  readonly requests: number
  /** Of Kafka's answers those that our encoder makes other bytes of: API and version. */
  readonly otherBytes: readonly string[]
  readonly unexpected: readonly Difference[]
  readonly accepted: readonly Difference[]
  /** Accepted differences that no answer shows any more. */
  readonly stale: readonly AcceptedDifference[]
}

export async function compareServers(options: {
  readonly kafkaPort: number
  readonly varvePort: number
  readonly only?: RegExp
  /** Told before each script. */
  readonly begin?: (script: string) => void
}): Promise<SideBySide> {
  const chosen = scripts.filter(({ name }) => options.only?.test(name) ?? true)
  const differences: Difference[] = []
  const otherBytes = new Set<string>()
  let requests = 0
  for (const { name, run } of chosen) {
    options.begin?.(name)
    const play = async (port: number) => {
      const transcript = new Transcript(port)
      await run(transcript).catch(error => {
        if (!(error instanceof NoAnswer)) transcript.fail(error)
      })
      transcript.reconnect()
      return transcript
    }
    const [kafka, varve] = await Promise.all([play(options.kafkaPort), play(options.varvePort)])
    requests += kafka.entries.length
    for (const asked of kafka.otherBytes) otherBytes.add(asked)
    differences.push(...compareTranscripts(name, kafka.entries, varve.entries))
  }
  const accepts = (difference: Difference) => acceptedDifferences.some(accepted => isAccepted(difference, accepted))
  return {
    scripts: chosen.length,
    requests,
    otherBytes: [...otherBytes],
    unexpected: differences.filter(difference => !accepts(difference)),
    accepted: differences.filter(accepts),
    stale: options.only
      ? []
      : acceptedDifferences.filter(
          accepted => !accepted.mayBeAbsent && !differences.some(difference => isAccepted(difference, accepted)),
        ),
  }
}

export function reportOf({ scripts: count, requests, otherBytes, unexpected, accepted, stale }: SideBySide): string {
  const lines = unexpected.map(({ script, request, asked, path, kafka, varve }) => {
    return `${script} #${request} ${asked} ${path}\n    kafka ${textOf(kafka)}\n    varve ${textOf(varve)}`
  })
  for (const { api, path } of stale) lines.push(`accepted, but not seen any more: ${api ?? 'any'} ${path}`)
  for (const asked of otherBytes) lines.push(`${asked}: encoded again, Kafka's answer is other bytes`)
  lines.push(
    `${requests} requests in ${count} scripts: ${unexpected.length} differences, and ${accepted.length} accepted ones`,
  )
  return lines.join('\n')
}

function textOf(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value)
}
