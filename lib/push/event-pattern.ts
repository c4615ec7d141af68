/**
 * Filters in the syntax of Amazon EventBridge's event patterns: an object of fields, each with a list of which one must
 * match, or a further object. Matchers: values, prefix, suffix, equals-ignore-case (also inside prefix and suffix), anything-but,
 * numeric, exists, wildcard, and `$or`. A field that holds a list matches where one of its elements does.
 * (docs: EventBridge user guide, "Comparison operators for use in event patterns".)
 */
import { PushError } from './errors.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type EventPattern = { readonly [field: string]: Json }

type Test = (values: readonly (Json | undefined)[]) => boolean
export type CompiledPattern = (event: Json) => boolean

const DEPTH_MAX = 10
const MATCHERS_MAX = 100

/** @throws PushError INVALID_SUBSCRIPTION that says which part is wrong */
export function compilePattern(pattern: EventPattern): CompiledPattern {
  let matchers = 0
  const count = () => {
    if (++matchers > MATCHERS_MAX) throw invalid(`a pattern has at most ${MATCHERS_MAX} matchers`)
  }
  return compileFields(pattern, 'pattern', 0, count)
}

function compileFields(pattern: Json, at: string, depth: number, count: () => void): CompiledPattern {
  if (!isObject(pattern)) throw invalid(`${at} must be an object of fields`)
  if (depth > DEPTH_MAX) throw invalid(`${at} is nested deeper than ${DEPTH_MAX}`)
  const fields = Object.entries(pattern).map(([name, wanted]): CompiledPattern => {
    const path = `${at}.${name}`
    if (name === '$or') {
      if (!Array.isArray(wanted) || wanted.length < 2) throw invalid(`${path} must be a list of two patterns or more`)
      const choices = wanted.map((one, index) => compileFields(one, `${path}[${index}]`, depth + 1, count))
      return event => choices.some(choice => choice(event))
    }
    if (!Array.isArray(wanted)) {
      const inner = compileFields(wanted, path, depth + 1, count)
      return event => elements(fieldOf(event, name)).some(value => value !== undefined && inner(value))
    }
    if (wanted.length === 0) throw invalid(`${path} must name one value or matcher`)
    const tests = wanted.map((matcher, index) => {
      count()
      return compileMatcher(matcher, `${path}[${index}]`)
    })
    return event => {
      const values = elements(fieldOf(event, name))
      return tests.some(test => test(values))
    }
  })
  if (fields.length === 0) throw invalid(`${at} must have a field`)
  return event => fields.every(field => field(event))
}

function compileMatcher(matcher: Json, at: string): Test {
  if (!isObject(matcher)) {
    if (Array.isArray(matcher)) throw invalid(`${at} must be a value or a matcher, not a list`)
    return values => values.some(value => value === matcher)
  }
  const entries = Object.entries(matcher)
  const [kind, argument] = entries[0] ?? []
  if (kind === undefined || argument === undefined || entries.length > 1) {
    throw invalid(`${at} must be one matcher, such as {"prefix": "a"}`)
  }
  switch (kind) {
    case 'exists': {
      if (typeof argument !== 'boolean') throw invalid(`${at}.exists must be true or false`)
      return values => values.some(value => value !== undefined) === argument
    }
    case 'anything-but':
      return compileAnythingBut(argument, at)
    default: {
      const test = compileText(kind, argument, at)
      return values => values.some(value => value !== undefined && test(value))
    }
  }
}

function compileAnythingBut(argument: Json, at: string): Test {
  const refused = isObject(argument)
    ? [oneText(argument, `${at}.anything-but`)]
    : (Array.isArray(argument) ? argument : [argument]).map(one => {
        if (typeof one !== 'string' && typeof one !== 'number')
          throw invalid(`${at}.anything-but takes texts and numbers`)
        return (value: Json) => value === one
      })
  if (refused.length === 0) throw invalid(`${at}.anything-but must name a value`)
  return values => values.some(value => value !== undefined && value !== null && !refused.some(test => test(value)))
}

function oneText(matcher: { readonly [key: string]: Json }, at: string): (value: Json) => boolean {
  const [entry, more] = Object.entries(matcher)
  if (!entry || more) throw invalid(`${at} must be one matcher`)
  const [kind, argument] = entry
  const choices = Array.isArray(argument) ? argument : [argument]
  const tests = choices.map(choice => compileText(kind, choice, at))
  return value => tests.some(test => test(value))
}

function compileText(kind: string, argument: Json, at: string): (value: Json) => boolean {
  switch (kind) {
    case 'prefix':
      return affix(argument, `${at}.prefix`, (value, part) => value.startsWith(part))
    case 'suffix':
      return affix(argument, `${at}.suffix`, (value, part) => value.endsWith(part))
    case 'equals-ignore-case': {
      const wanted = text(argument, `${at}.equals-ignore-case`).toLowerCase()
      return value => typeof value === 'string' && value.toLowerCase() === wanted
    }
    case 'wildcard':
      return wildcard(text(argument, `${at}.wildcard`), at)
    case 'numeric':
      return numeric(argument, `${at}.numeric`)
    default:
      throw invalid(`${at}: there is no matcher ${kind}`)
  }
}

function affix(argument: Json, at: string, holds: (value: string, part: string) => boolean): (value: Json) => boolean {
  if (isObject(argument)) {
    const part = text(argument['equals-ignore-case'] ?? null, `${at}.equals-ignore-case`).toLowerCase()
    return value => typeof value === 'string' && holds(value.toLowerCase(), part)
  }
  const part = text(argument, at)
  return value => typeof value === 'string' && holds(value, part)
}

/** `*` stands for any text; no two side by side. Matched piece by piece, so no pattern takes long. */
function wildcard(pattern: string, at: string): (value: Json) => boolean {
  if (pattern.includes('**')) throw invalid(`${at}.wildcard may not have two * side by side`)
  const pieces = pattern.split('*')
  const first = pieces[0]!
  const last = pieces.at(-1)!
  const middle = pieces.slice(1, -1)
  if (pieces.length === 1) return value => value === pattern
  return value => {
    if (typeof value !== 'string' || !value.startsWith(first)) return false
    let from = first.length
    for (const piece of middle) {
      const found = value.indexOf(piece, from)
      if (found < 0) return false
      from = found + piece.length
    }
    return value.length - last.length >= from && value.endsWith(last)
  }
}

const COMPARISONS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '=': (value, limit) => value === limit,
  '>=': (value, limit) => value >= limit,
  '>': (value, limit) => value > limit,
}

function numeric(argument: Json, at: string): (value: Json) => boolean {
  if (!Array.isArray(argument) || (argument.length !== 2 && argument.length !== 4)) {
    throw invalid(`${at} must be like [">", 0] or [">", 0, "<=", 5]`)
  }
  const tests: ((value: number) => boolean)[] = []
  for (let i = 0; i < argument.length; i += 2) {
    const compare = Object.hasOwn(COMPARISONS, String(argument[i])) ? COMPARISONS[String(argument[i])] : undefined
    const limit = argument[i + 1]
    if (!compare || typeof limit !== 'number') throw invalid(`${at} must be like [">", 0] or [">", 0, "<=", 5]`)
    tests.push(value => compare(value, limit))
  }
  return value => typeof value === 'number' && tests.every(test => test(value))
}

function fieldOf(event: Json, name: string): Json | undefined {
  return isObject(event) && Object.hasOwn(event, name) ? event[name] : undefined
}

function elements(value: Json | undefined): readonly (Json | undefined)[] {
  return Array.isArray(value) ? value : [value as Json | undefined]
}

function text(value: Json, at: string): string {
  if (typeof value !== 'string') throw invalid(`${at} must be a text`)
  return value
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(why: string): PushError {
  return new PushError('INVALID_SUBSCRIPTION', `${why}.`)
}
