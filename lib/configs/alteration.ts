/** Single changes of configs (KIP-339), applied to what is set. Pure; applied twice they do what they do once. */
import { type ConfigDefinitions, type Configs, definitionOf, membersOf } from './definition.ts'
import { ConfigError } from './errors.ts'

export interface Alteration {
  readonly name: string
  readonly operation: 'set' | 'delete' | 'append' | 'subtract'
  readonly value: string | null
}

/**
 * What is set after the changes. `append` and `subtract` are for lists, and begin from the default where nothing is set.
 * Whether the result may be is not looked at.
 * @throws ConfigError INVALID_REQUEST for a name that comes twice or a missing value, INVALID_CONFIG
 */
export function alterConfigs(
  definitions: ConfigDefinitions,
  configs: Configs,
  alterations: readonly Alteration[],
): Configs {
  checkAlterations(alterations)
  const altered = new Map(Object.entries(configs))
  for (const { name, operation, value } of alterations) {
    if (operation === 'delete') altered.delete(name)
    else if (operation === 'set') altered.set(name, value!)
    else {
      const definition = definitionOf(definitions, name)
      if (definition?.type !== 'list') {
        const verb = operation.toUpperCase()
        throw new ConfigError('INVALID_CONFIG', `Can't ${verb} to key ${name} because its type is not LIST.`)
      }
      const members = membersOf(altered.get(name) ?? definition.default)
      const named = membersOf(value!)
      const next =
        operation === 'append'
          ? [...members, ...named.filter(member => !members.includes(member))]
          : members.filter(member => !named.includes(member))
      altered.set(name, next.join(','))
    }
  }
  return Object.fromEntries(altered)
}

function checkAlterations(alterations: readonly Alteration[]): void {
  if (new Set(alterations.map(({ name }) => name)).size < alterations.length) {
    throw new ConfigError('INVALID_REQUEST', 'Error due to duplicate config keys')
  }
  const missing = alterations.filter(({ operation, value }) => operation !== 'delete' && value === null)
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(', ')
    throw new ConfigError('INVALID_REQUEST', `Null value not supported for : ${names}`)
  }
}
