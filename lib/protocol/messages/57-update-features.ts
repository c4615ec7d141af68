/** Raises or lowers the finalized versions of features (KIP-584). */
import {
  api,
  array,
  boolean,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  since,
  string,
  until,
} from '../kernel/index.ts'

export const UpdateFeaturesRequest = message({
  api: 57,
  versions: [0, 2],
  flexible: 0,
  fields: {
    timeoutMs: int32,
    featureUpdates: array({
      feature: string,
      maxVersionLevel: int16,
      allowDowngrade: until(0, boolean, false),
      upgradeType: since(1, int8, 1),
    }),
    validateOnly: since(1, boolean, false),
  },
})
export type UpdateFeaturesRequest = Message<typeof UpdateFeaturesRequest>

export const UpdateFeaturesResponse = message({
  api: 57,
  versions: [0, 2],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    results: until(1, array({ feature: string, errorCode: int16, errorMessage: nullableString }), []),
  },
})
export type UpdateFeaturesResponse = Message<typeof UpdateFeaturesResponse>

export const UpdateFeatures = api({
  name: 'UpdateFeatures',
  request: UpdateFeaturesRequest,
  response: UpdateFeaturesResponse,
})
