export { type FileObjectsOptions, openFileObjects } from './file-objects.ts'
export { openLmdbItems } from './lmdb-items.ts'
export { openJournaledItems } from './open-journaled-items.ts'
export { openPublishedFolder } from './published-folder.ts'
