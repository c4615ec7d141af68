export { archiveJob } from './archive-job.ts'
export { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS } from './limits.ts'
export { ARCHIVE_FOLDER } from './stored-archive.ts'
