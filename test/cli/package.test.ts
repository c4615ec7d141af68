import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const checkout = join(import.meta.dirname, '../..')
let folder: string
let installed: string

/** What `npm install` of the packed tarball lays down, the dependencies being those of this checkout. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-package-'))
  installed = join(folder, 'node_modules/varve')
  await mkdir(installed, { recursive: true })
  await run('npm', ['pack', '--pack-destination', folder], { cwd: checkout })
  const tarball = (await readdir(folder)).find(name => name.endsWith('.tgz'))!
  await run('tar', ['-xzf', join(folder, tarball), '-C', installed, '--strip-components=1'])
  for (const name of await readdir(join(checkout, 'node_modules'))) {
    if (name !== '.bin') await symlink(join(checkout, 'node_modules', name), join(folder, 'node_modules', name))
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the packed package runs where it is installed', async () => {
  const { stdout } = await run(process.execPath, [join(installed, 'dist/varve.js'), '--version'])
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const { stdout: help } = await run(process.execPath, [join(installed, 'dist/varve.js'), '--help'])
  for (const command of ['start', 'topics', 'produce', 'tail', 'groups']) expect(help).toContain(`  ${command}`)
})

test('it brings its code and no tests', async () => {
  expect((await readdir(installed)).sort()).toEqual(expect.arrayContaining(['LICENSE', 'dist', 'package.json']))
  expect(await readdir(installed)).not.toContain('test')
})

test('its constructs are imported by a stack of somebody else', { timeout: 300_000 }, async () => {
  const app = `
    import { App, Stack } from 'aws-cdk-lib'
    import { VarveLog } from 'varve/infra'
    const app = new App()
    const log = new VarveLog(new Stack(app, 'Theirs'), 'Log')
    log.addTopic('Orders', { topicName: 'orders' })
    const { Resources } = app.synth().getStackByName('Theirs').template
    console.log(Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function').length)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', app], { cwd: folder })
  // HTTP, upkeep and topics: their bundles are in the package.
  expect(Number(stdout)).toBe(3)
})
