export { httpHandler } from './http-handler.ts'
export { ingestHandler } from './ingest-handler.ts'
export { topicHandler } from './topic-handler.ts'
export { upkeepHandler } from './upkeep-handler.ts'
