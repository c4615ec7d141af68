/** The CDK's command line, as a user runs it, against LocalStack. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LocalStack } from 'localstack-utils'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

export interface Cdk {
  /** Bootstraps and deploys; answers the outputs of the stack by the ends of their names. */
  deploy(): Promise<(name: string) => string>
  destroy(): Promise<void>
}

export function cdkOf(localStack: LocalStack, app: string, stack: string): Cdk {
  const env = { ...process.env, ...localStack.env, CDK_DISABLE_VERSION_CHECK: '1', CI: 'true' }
  const cdk = async (...args: string[]) => {
    try {
      await run('npx', ['cdk', ...args, '--app', app], { cwd: root, env, maxBuffer: 64 * 1_024 * 1_024 })
    } catch (error) {
      throw new Error(`cdk ${args[0]} failed:\n${(error as { stderr?: string }).stderr}\n${localStack.output}`)
    }
  }
  return {
    async deploy() {
      const folder = await mkdtemp(join(tmpdir(), 'cdk-'))
      try {
        await cdk('bootstrap', 'aws://000000000000/us-east-1', '--output', join(folder, 'bootstrap'))
        const file = join(folder, 'outputs.json')
        await cdk('deploy', '--require-approval', 'never', '--outputs-file', file, '--output', join(folder, 'deploy'))
        const outputs = JSON.parse(await readFile(file, 'utf8'))[stack] as Record<string, string>
        return name => {
          const found = Object.entries(outputs).find(([key]) => key.replace(/[0-9A-F]{8}$/, '').endsWith(name))
          if (!found) throw new Error(`no output ${name} among ${Object.keys(outputs).join(', ')}`)
          return found[1]
        }
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
    destroy: () => cdk('destroy', '--force'),
  }
}
