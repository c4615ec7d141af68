import type { UpkeepFinding, UpkeepJob, UpkeepPass } from '../../lib/log/index.ts'

/** One run of a job by itself, without leases; answers what it found. */
export async function runJob(job: UpkeepJob, { dry = false } = {}): Promise<UpkeepFinding[]> {
  const findings: UpkeepFinding[] = []
  const pass: UpkeepPass = {
    signal: new AbortController().signal,
    dry,
    isMine: () => true,
    isAbandoned: () => true,
    hold: (_, work) => work(new AbortController().signal),
    tell: (what, why) => findings.push({ job: job.name, what, why }),
    pause: async () => {},
  }
  const busy = await job.run(pass)
  if (busy !== findings.length > 0) throw new Error(`${job.name}: busy is ${busy}, with ${findings.length} findings`)
  return findings
}
