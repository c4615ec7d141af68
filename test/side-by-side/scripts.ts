import { administrationScripts } from './scripts/administration.ts'
import { configScripts } from './scripts/configs.ts'
import { consumerGroupScripts } from './scripts/consumer-groups.ts'
import { groupScripts } from './scripts/groups.ts'
import { recordScripts } from './scripts/records.ts'
import { shareGroupScripts } from './scripts/share-groups.ts'
import { streamsGroupScripts } from './scripts/streams-groups.ts'
import { topicScripts } from './scripts/topics.ts'
import { transactionScripts } from './scripts/transactions.ts'

/** Order matters where a script counts what is there: topics of the later ones are not there for the earlier. */
export const scripts = [
  ...administrationScripts,
  ...topicScripts,
  ...configScripts,
  ...recordScripts,
  ...groupScripts,
  ...consumerGroupScripts,
  ...shareGroupScripts,
  ...streamsGroupScripts,
  ...transactionScripts,
]
