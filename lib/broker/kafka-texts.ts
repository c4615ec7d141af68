/** Kafka's words for errors that tools print as they come. */
export const unknownPartition = 'This server does not host this topic-partition.'
export const unknownId = 'This server does not host this topic ID.'
