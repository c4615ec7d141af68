import { setFlagsFromString } from 'node:v8'

/**
 * Records lie outside of V8's heap, which is small. As V8 is set up they make it collect the whole heap every few MiB of
 * them, half of the process's work: so they count as what they are, memory that may grow by half before it is looked through.
 * And the space for new objects stays as it is by now, at 4 MiB (set-up-process.js): with the 1 MiB that it begins with it is looked through
 * sixty times a second in a busy server, and with the 16 that it would grow to so seldom that the few small objects in it keep a
 * hundred MB of records that nobody needs.
 */
export function tuneGarbageCollection(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  setFlagsFromString('--heap-growing-percent=50')
  setFlagsFromString('--semi-space-growth-factor=1')
}
