/** The archive's example, as the README has it: a running server, the script, upkeep, SQL over what it archived. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { createVarveServer } from '../support/varve-server.ts'

const example = join(import.meta.dirname, '../../examples/archive/purchases.mjs')
const count = 200

test('purchases sent over HTTP become a table, once each', { timeout: 300_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'varve-archive-example-'))
  const server = await createVarveServer({ args: ['--data', folder] })
  try {
    await server.start()
    for (let run = 0; run < 2; run++) {
      const script = spawn(process.execPath, [example, `http://${server.http}`, `${count}`], { stdio: 'inherit' })
      expect(await once(script, 'exit')).toEqual([0, null])
    }
    const varve = (...args: string[]) => runCli([...args, '--data', folder])
    // The server's own upkeep may have been there first.
    expect(await varve('upkeep', '--only', 'archive')).toMatchObject({ code: 0 })
    const sql =
      'select shop, count(*)::int as bought, count(distinct customer)::int as customers from purchases group by shop'
    const { stdout } = await varve('query', `${sql} order by shop`, '--format', 'json')
    const rows = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(rows).toEqual(['Aarhus', 'Bergen', 'Gent', 'Turku'].map(shop => ({ shop, bought: 50, customers: 7 })))
    const files = await readdir(join(folder, 'archive/purchases'), { recursive: true })
    for (const name of ['version-hint.text', '.parquet']) expect(files.some(file => file.endsWith(name))).toBe(true)
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
