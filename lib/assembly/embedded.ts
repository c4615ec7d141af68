/**
 * Where a write of several items costs no more than one: an append of up to 256 KiB is one write. Slices that left the
 * memory are read again for nothing, from the system's own cache of files.
 */
export const EMBEDDED = {
  carriesItems: true,
  itemSegmentBytesMax: 256 * 1_024,
  cacheBytesMax: 32 * 1_024 * 1_024,
  coldCacheBytesMax: 16 * 1_024 * 1_024,
}
