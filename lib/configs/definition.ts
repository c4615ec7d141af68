/**
 * What a config may be, as a row of a table, and the check of a value against it with the texts that Kafka's tools print.
 * Values are strings, as on the wire.
 */
export type ConfigType = 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list'

export interface ConfigDefinition {
  readonly type: ConfigType
  readonly default: string
  /** Kafka's name for the broker-wide default, where there is one that has a value. */
  readonly brokerName?: string
  /** For numbers, both inclusive. */
  readonly min?: number
  readonly max?: number
  /** For strings and for the members of lists. */
  readonly oneOf?: readonly string[]
  /** For lists: the form of the whole, and how it is told of. */
  readonly pattern?: { readonly form: RegExp; readonly about: string }
  /** A value outside min and max that is allowed too. */
  readonly orElse?: number
  /** Accepted for the sake of Kafka's tools, without effect in Varve. */
  readonly unused?: true
  /** Said when the resource is made and never changed; told only where it was said. */
  readonly fixed?: true
  readonly about: string
}

export type ConfigDefinitions = Readonly<Record<string, ConfigDefinition>>

/** What is set, by name. */
export type Configs = Readonly<Record<string, string>>

const intMin = -2_147_483_648n
const intMax = 2_147_483_647n

export function definitionOf(definitions: ConfigDefinitions, name: string): ConfigDefinition | undefined {
  return Object.hasOwn(definitions, name) ? definitions[name] : undefined
}

/** What a config is, set or by default. */
export function textConfig(definitions: ConfigDefinitions, configs: Configs, name: string): string {
  return (Object.hasOwn(configs, name) ? configs[name] : definitionOf(definitions, name)?.default)?.trim() ?? ''
}

/** The same as a number. A long above 2^53 is rounded, which is for limits that nothing reaches. */
export function numberConfig(definitions: ConfigDefinitions, configs: Configs, name: string): number {
  return Number(textConfig(definitions, configs, name))
}

export function listConfig(definitions: ConfigDefinitions, configs: Configs, name: string): string[] {
  return membersOf(textConfig(definitions, configs, name))
}

export function membersOf(value: string): string[] {
  const trimmed = value.trim()
  return trimmed === '' ? [] : trimmed.split(',').map(member => member.trim())
}

/** The first thing that is wrong with what is set, names before values; undefined: nothing is. `noun`: `topic`, `group`. */
export function flawOfConfigs(definitions: ConfigDefinitions, configs: Configs, noun: string): string | undefined {
  const unknown = Object.keys(configs).find(name => !definitionOf(definitions, name))
  if (unknown !== undefined) return `Unknown ${noun} config name: ${unknown}`
  for (const [name, value] of Object.entries(configs)) {
    const flaw = flawOf(name, definitionOf(definitions, name)!, value.trim())
    if (flaw) return flaw
  }
  return undefined
}

function flawOf(name: string, definition: ConfigDefinition, value: string): string | undefined {
  if (definition.type === 'list' && membersOf(value).includes('')) {
    return `Configuration '${name}' values must not be empty.`
  }
  const { oneOf, pattern } = definition
  const stranger = definition.type === 'list' && oneOf && membersOf(value).find(member => !oneOf.includes(member))
  if (typeof stranger === 'string') {
    return `Invalid value ${stranger} for configuration ${name}: String must be one of: ${oneOf?.join(', ')}`
  }
  if (pattern && !pattern.form.test(membersOf(value).join())) {
    return `Invalid value [${membersOf(value).join(', ')}] for configuration ${name}: ${name} ${pattern.about}`
  }
  const flaw = flawOfValue(definition, value)
  if (!flaw) return undefined
  const isWholeDouble = definition.type === 'double' && Number.isInteger(Number(value))
  return `Invalid value ${isWholeDouble ? Number(value).toFixed(1) : value} for configuration ${name}: ${flaw}`
}

function flawOfValue(definition: ConfigDefinition, value: string): string | undefined {
  const { type, oneOf } = definition
  switch (type) {
    case 'boolean':
      return /^(true|false)$/i.test(value) ? undefined : 'Expected value to be either true or false'
    case 'string':
      return oneOf?.includes(value) === false ? `String must be one of: ${oneOf.join(', ')}` : undefined
    case 'list':
      return undefined
    case 'double':
      return value === '' || !Number.isFinite(Number(value))
        ? 'Not a number of type DOUBLE'
        : flawOfRange(definition, Number(value))
    case 'int':
    case 'long':
      return flawOfInteger(definition, value)
  }
}

function flawOfInteger(definition: ConfigDefinition, value: string): string | undefined {
  const notOne = `Not a number of type ${definition.type.toUpperCase()}`
  if (!/^[+-]?\d{1,19}$/.test(value)) return notOne
  const integer = BigInt(value.replace('+', ''))
  const fits =
    definition.type === 'int' ? integer >= intMin && integer <= intMax : BigInt.asIntN(64, integer) === integer
  return fits ? flawOfRange(definition, Number(integer)) : notOne
}

function flawOfRange({ min, max, orElse }: ConfigDefinition, value: number): string | undefined {
  if (value === orElse) return undefined
  if (orElse !== undefined && (value < min! || value > max!)) {
    return `Value must be between ${min} and ${max} or equal to ${orElse}`
  }
  if (min !== undefined && value < min) return `Value must be at least ${min}`
  if (max !== undefined && value > max) return `Value must be no more than ${max}`
  return undefined
}
