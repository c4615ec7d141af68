import { setFlagsFromString } from 'node:v8'

/**
 * Records lie outside of V8's heap, which is small. As V8 is set up they make it collect the whole heap every few MiB of
 * them, half of the process's work: so they count as what they are, memory that may grow by half before it is looked through.
 * And the space for new objects stays as small as it begins: grown, it is looked through so seldom that the few small objects in
 * it keep a hundred MB of records that nobody needs.
 */
export function tuneGarbageCollection(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  setFlagsFromString('--heap-growing-percent=50')
  setFlagsFromString('--semi-space-growth-factor=1')
}
