/** Where a write of several items costs no more than one: an append of up to 64 KiB is one write. */
export const EMBEDDED = { carriesItems: true, itemSegmentBytesMax: 64 * 1_024 }
