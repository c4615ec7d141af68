/**
 * The README's table of Kafka APIs, made from the code: keys and versions from the handlers, departures from the heads of
 * their files. `node test/support/api-table.ts` writes it into the README; test/broker/api-table.test.ts holds it there.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { handlers } from '../../lib/broker/index.ts'

const ROOT = new URL('../../', import.meta.url)
const README = new URL('README.md', ROOT)
const BEGIN = '<!-- apis -->\n'
const END = '<!-- /apis -->'

/** The README as it is, and as it should be. */
export async function readmeWithApiTable(): Promise<{ current: string; wanted: string }> {
  const current = await readFile(README, 'utf8')
  const begin = current.indexOf(BEGIN) + BEGIN.length
  const end = current.indexOf(END)
  if (begin < BEGIN.length || end < 0) throw new Error(`README.md has no ${BEGIN.trim()} … ${END}`)
  return { current, wanted: current.slice(0, begin) + (await apiTable()) + current.slice(end) }
}

async function apiTable(): Promise<string> {
  const sorted = handlers.toSorted((a, b) => a.api.key - b.api.key)
  const rows = await Promise.all(
    sorted.map(async ({ api, advertised: [first, last] }) => {
      return `| ${api.key} | ${api.name} | ${first}–${last} | ${await departuresOf(api.name)} |\n`
    }),
  )
  return `| key | API | versions | departures from Apache Kafka |\n|---|---|---|---|\n${rows.join('')}`
}

async function departuresOf(name: string): Promise<string> {
  const file = new URL(`lib/broker/handlers/${kebabCase(name)}.ts`, ROOT)
  const source = await readFile(file, 'utf8')
  const head = source.slice(0, source.indexOf('*/')).replaceAll(/\n \* ?/g, ' ')
  const departures = /Departures from Apache Kafka: (.*)/.exec(head)?.[1]?.trim()
  if (!departures) throw new Error(`${fileURLToPath(file)}: the head does not say "Departures from Apache Kafka: …"`)
  return departures.replace(/^none known\.$/, '')
}

function kebabCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(README, (await readmeWithApiTable()).wanted)
