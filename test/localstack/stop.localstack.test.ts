/** LocalStack ends with whoever started it, also where it does not want to. */
import { readdir, readFile } from 'node:fs/promises'
import { startLocalStack, whyNotInstallable } from 'localstack-utils'
import { expect, test } from 'vitest'
import { describeWith } from '../support/requirement.ts'

const missing = whyNotInstallable()

describeWith({ missing, optional: missing?.includes('Python') ?? false }, 'LocalStack as a process', () => {
  test('that does not hear is ended, and so is what it started', async context => {
    const localStack = await startLocalStack({ stopMsMax: 1_000 })
    const { pid } = localStack
    if (pid === undefined) {
      await localStack.stop()
      return context.skip('it is a container here')
    }
    const listed = await fetch(localStack.endpoint, {
      method: 'POST',
      headers: {
        'x-amz-target': 'DynamoDB_20120810.ListTables',
        'content-type': 'application/x-amz-json-1.0',
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: '{}',
    })
    expect(listed.status).toBe(200)
    const started = await familyOf(pid)
    expect(started.length).toBeGreaterThan(1)
    process.kill(pid, 'SIGSTOP')
    await localStack.stop()
    expect(await Promise.all(started.map(isRunning))).toEqual(started.map(() => false))
  })
})

async function statOf(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** The process, and those that it started. */
async function familyOf(root: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
  const parents = new Map(await Promise.all(pids.map(async pid => [pid, Number((await statOf(pid))[1])] as const)))
  const family = [root]
  for (let at = 0; at < family.length; at++) {
    for (const [pid, parent] of parents) if (parent === family[at]) family.push(pid)
  }
  return family
}

async function isRunning(pid: number): Promise<boolean> {
  const [state = ''] = await statOf(pid)
  return state !== '' && state !== 'Z'
}
