/**
 * UpdateFeatures, versions 0 to 2 (KIP-584). Features have the level that this program has; asking for it again changes
 * nothing.
 *
 * Departures from Apache Kafka: no level can be changed.
 */
import { type Message, UpdateFeatures, type UpdateFeaturesRequest } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { features } from '../features.ts'
import { handler } from '../handler.ts'

type Update = Message<typeof UpdateFeaturesRequest>['featureUpdates'][number]

export const updateFeatures = handler(UpdateFeatures, {
  handle({ featureUpdates }, { apiVersion, cluster }) {
    const flaws = featureUpdates.map(update => flawOf(update, cluster.nodeId))
    const flaw = flaws.find(found => found !== undefined)
    if (flaw !== undefined) {
      const message = `The update failed for all features since the following feature had an error: ${flaw}`
      return { throttleTimeMs: 0, errorCode: errorCodes.INVALID_UPDATE_VERSION, errorMessage: message, results: [] }
    }
    const results = featureUpdates.map(({ feature }) => ({ feature, errorCode: 0, errorMessage: 'NONE' }))
    return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, results: apiVersion <= 1 ? results : [] }
  },
})

function flawOf({ feature, maxVersionLevel }: Update, nodeId: number): string | undefined {
  const known = features.find(({ name }) => name === feature)
  const invalid = `Invalid update version ${maxVersionLevel} for feature ${feature}.`
  if (!known) return `${invalid} Local controller ${nodeId} does not support this feature.`
  if (maxVersionLevel > known.maxVersion || maxVersionLevel < known.minVersion) {
    return `${invalid} Local controller ${nodeId} only supports versions ${known.minVersion}-${known.maxVersion}`
  }
  return maxVersionLevel === known.maxVersion ? undefined : `${invalid} Varve has the level ${known.maxVersion} only.`
}
