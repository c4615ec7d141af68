/**
 * What the rules of the tree (tree-rules.ts) need to know of a TypeScript file, taken from its syntax tree: no name is
 * resolved, so a rule sees `Date.now` however it is used, and nothing in comments or strings.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseSync } from 'oxc-parser'

/** An import, `export … from`, `import()` or `import('…')` type. */
export interface Import {
  readonly line: number
  /** A path from the root of the project (`lib/base/index.ts`), or the name of a package as written. */
  readonly target: string
  readonly isPackage: boolean
  /** What is imported by name; empty for the rest. */
  readonly names: readonly string[]
}

export interface Finding {
  readonly line: number
  readonly what: string
}

export interface SourceFile {
  /** From the root of the project, with `/`. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly Import[]
  /** Uses of names that are bound nowhere in the file's own syntax: `setTimeout`, `Date.now`, `new Date()`, … */
  readonly globals: readonly Finding[]
  readonly defaultExports: readonly Finding[]
  readonly starExports: readonly Finding[]
  readonly anyTypes: readonly Finding[]
}

/** All TypeScript files under these folders of the project at `root`; a folder that is not there has none. */
export function readSourceFiles(root: string, folders: readonly string[]): SourceFile[] {
  return folders.flatMap(folder =>
    listFiles(root, folder).map(path => parseSourceFile(path, readFileSync(join(root, path), 'utf8'))),
  )
}

function listFiles(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map(name => posix.join(folder, name.replaceAll('\\', '/')))
    .filter(path => path.endsWith('.ts') && !path.includes('/node_modules/'))
    .sort()
}

/** @throws Error where the text is not TypeScript */
export function parseSourceFile(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text, { lang: 'ts', sourceType: 'module' })
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`)
  const file = {
    path,
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports: [] as Import[],
    globals: [] as Finding[],
    defaultExports: [] as Finding[],
    starExports: [] as Finding[],
    anyTypes: [] as Finding[],
  }
  const lineOf = (node: Node) => text.slice(0, node.start).split('\n').length
  walk(program as unknown as Node, (node, parent, role) => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) file.imports.push(importOf(path, specifier, node, lineOf(node)))
    const global = globalIn(node, parent, role)
    if (global !== undefined) file.globals.push({ line: lineOf(node), what: global })
    if (isDefaultExport(node)) file.defaultExports.push({ line: lineOf(node), what: 'export default' })
    if (node.type === 'ExportAllDeclaration') file.starExports.push({ line: lineOf(node), what: 'export *' })
    if (node.type === 'TSAnyKeyword') file.anyTypes.push({ line: lineOf(node), what: 'any' })
  })
  return file
}

// ---------------------------------------------------------------- the tree (ESTree with types)

interface Node {
  readonly type: string
  readonly start: number
  readonly [property: string]: unknown
}

type Visit = (node: Node, parent: Node | undefined, role: string) => void

function walk(node: Node, visit: Visit, parent?: Node, role = ''): void {
  visit(node, parent, role)
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit, node, name)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
])

function specifierOf(node: Node): string | undefined {
  if (!IMPORTING.has(node.type) || !isNode(node.source)) return undefined
  const specifier = node.source.value
  return typeof specifier === 'string' ? specifier : '(computed)'
}

function importOf(path: string, specifier: string, node: Node, line: number): Import {
  const isPackage = !specifier.startsWith('.')
  const target = isPackage ? specifier : posix.join(posix.dirname(path), specifier)
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : []
  const names = specifiers.map(each => nameOf(each.imported)).filter(name => name !== undefined)
  return { line, target, isPackage, names }
}

function isDefaultExport(node: Node): boolean {
  if (node.type === 'ExportDefaultDeclaration') return true
  return node.type === 'ExportSpecifier' && nameOf(node.exported) === 'default'
}

/** `x` for an identifier, `a.b` for a member of one; `globalThis.` in front is left out. */
function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node.type === 'Identifier') return node.name as string
  if (node.type !== 'MemberExpression') return undefined
  const property = node.property
  const inner = nameOf(node.object)
  if (inner === undefined || !isNode(property)) return undefined
  const name = node.computed ? property.value : property.name
  return inner === 'globalThis' ? String(name) : `${inner}.${String(name)}`
}

/** Where an identifier names a part of something, or stands for less than the dotted name around it. */
const NO_USE = new Set(['key', 'property', 'object', 'label', 'imported', 'exported', 'id', 'params', 'meta'])

/** A dotted name that begins with a variable; `new Date()` and `Date()` for the clock behind `Date`. */
function globalIn(node: Node, parent: Node | undefined, role: string): string | undefined {
  if (node.type === 'NewExpression' || node.type === 'CallExpression') {
    const isBare = node.type === 'CallExpression' || (Array.isArray(node.arguments) && node.arguments.length === 0)
    return isBare && nameOf(node.callee) === 'Date' ? 'new Date()' : undefined
  }
  if (node.type === 'MemberExpression') return nameOf(node)
  const isUse = !NO_USE.has(role) || parent?.computed === true || parent?.shorthand === true
  return node.type === 'Identifier' && isUse ? nameOf(node) : undefined
}
